// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/crypt/digest.h"

#include <new>

#include <openssl/err.h>

#include "platform/linux/crypt/bytes.h"

namespace stillpoint::linux_os {

std::optional<Digest> Digest::of(const std::string& algorithm) {
    Context context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    const std::unique_ptr<EVP_MD, decltype(&EVP_MD_free)> hash(
        EVP_MD_fetch(nullptr, algorithm.c_str(), nullptr), EVP_MD_free);
    if (!context || !hash || EVP_DigestInit_ex2(context.get(), hash.get(), nullptr) != 1) {
        ERR_clear_error();
        return std::nullopt;
    }
    return Digest(std::move(context));
}

Digest Digest::sha256() {
    std::optional<Digest> digest = of("SHA256");
    if (!digest) {
        throw std::bad_alloc();  // every OpenSSL has it, so there is no memory
    }
    return std::move(*digest);
}

void Digest::add(std::string_view piece) {
    EVP_DigestUpdate(context_.get(), piece.data(), piece.size());
}

std::string Digest::bytes() {
    std::string bytes(EVP_MAX_MD_SIZE, '\0');
    unsigned size = 0;
    EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(bytes.data()), &size);
    bytes.resize(size);
    return bytes;
}

std::string sha256_text(std::string_view bytes) {
    Digest digest = Digest::sha256();
    digest.add(bytes);
    return hexadecimal(digest.bytes());
}

}  // namespace stillpoint::linux_os
