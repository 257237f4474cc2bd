// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <openssl/evp.h>

namespace stillpoint::linux_os {

/// A hash over pieces, as OpenSSL has it.
class Digest {
public:
    /// No value: this OpenSSL knows no hash of that name.
    static std::optional<Digest> of(const std::string& algorithm);
    static Digest sha256();

    void add(std::string_view piece);
    std::string bytes();  // and it is over

private:
    using Context = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;
    explicit Digest(Context context) : context_(std::move(context)) {}

    Context context_;
};

/// SHA-256 in lower-case hexadecimal.
std::string sha256_text(std::string_view bytes);

}  // namespace stillpoint::linux_os
