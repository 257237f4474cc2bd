// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/crypt/cipher_support.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>

#include <linux/if_alg.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <sys/socket.h>

#include "base/format.h"
#include "platform/linux/crypt/digest.h"
#include "platform/linux/guard/unique_fd.h"

namespace stillpoint::linux_os {
namespace {

bool openssl_has(const std::string& name, const std::string& mode, std::size_t key_bytes) {
    const std::size_t bits = 8 * key_bytes / (mode == "xts" ? 2 : 1);
    const std::unique_ptr<EVP_CIPHER, decltype(&EVP_CIPHER_free)> cipher(
        EVP_CIPHER_fetch(nullptr, fmt::format("{}-{}-{}", name, bits, mode).c_str(), nullptr),
        EVP_CIPHER_free);
    ERR_clear_error();
    return cipher && EVP_CIPHER_get_key_length(cipher.get()) == static_cast<int>(key_bytes);
}

bool kernel_has(const std::string& name, const std::string& mode, std::size_t key_bytes) {
    sockaddr_alg address{};
    address.salg_family = AF_ALG;
    const std::string algorithm = fmt::format("{}({})", mode, name);
    if (algorithm.size() >= sizeof(address.salg_name)) {
        return false;
    }
    std::memcpy(address.salg_type, "skcipher", sizeof("skcipher"));
    std::memcpy(address.salg_name, algorithm.c_str(), algorithm.size() + 1);
    const UniqueFd socket(::socket(AF_ALG, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    std::string key(key_bytes, '\0');
    for (std::size_t i = 0; i < key.size(); ++i) {
        key[i] = static_cast<char>(i);  // xts refuses two equal halves
    }
    return socket &&
           ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) ==
               0 &&
           ::setsockopt(socket.get(), SOL_ALG, ALG_SET_KEY, key.data(),
                        static_cast<socklen_t>(key.size())) == 0;
}

bool has(const std::string& name, const std::string& mode, std::size_t key_bytes) {
    return openssl_has(name, mode, key_bytes) || kernel_has(name, mode, key_bytes);
}

/// How the sector's number goes into the cipher. Source: crypto_storage.c in cryptsetup.
bool has_iv(const std::string& name, const std::string& mode, const std::string& iv) {
    constexpr std::array<std::string_view, 6> kKnown = {"null",      "plain", "plain64",
                                                        "plain64be", "benbi", "eboiv"};
    constexpr std::string_view kEssiv = "essiv:";
    if (mode == "ecb") {
        return iv.empty();
    }
    if (!iv.starts_with(kEssiv)) {
        return std::ranges::find(kKnown, iv) != kKnown.end();
    }
    std::optional<Digest> hash = Digest::of(iv.substr(kEssiv.size()));
    return hash && has(name, "ecb", hash->bytes().size());
}

}  // namespace

bool decrypts_in_user_space(const std::string& cipher, int key_bits) {
    // Others have no size of IV in the library's table.
    constexpr std::array<std::string_view, 6> kCiphers = {"aes",      "serpent",  "twofish",
                                                          "camellia", "blowfish", "cast5"};
    const std::size_t mode_at = cipher.find('-');
    if (mode_at == std::string::npos) {
        return false;
    }
    const std::string name = cipher.substr(0, mode_at);
    const std::size_t iv_at = cipher.find('-', mode_at + 1);
    const std::string mode = cipher.substr(mode_at + 1, iv_at - mode_at - 1);
    const std::string iv = iv_at == std::string::npos ? "" : cipher.substr(iv_at + 1);
    return std::ranges::find(kCiphers, name) != kCiphers.end() && has_iv(name, mode, iv) &&
           has(name, mode, static_cast<std::size_t>(key_bits) / 8);
}

}  // namespace stillpoint::linux_os
