// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/crypt/bitlk_image.h"

#include <stdexcept>
#include <string_view>

#include <openssl/evp.h>

#include "platform/linux/crypt/bytes.h"

namespace stillpoint::testing {
namespace {

std::string little(std::uint64_t value, std::size_t width) {
    std::string bytes;
    for (std::size_t i = 0; i < width; ++i) {
        bytes += static_cast<char>(value >> 8 * i);
    }
    return bytes;
}

std::string entry(std::uint64_t type, std::uint64_t value, const std::string& data) {
    return little(8 + data.size(), 2) + little(type, 2) + little(value, 2) + little(1, 2) + data;
}

/// Nonce, tag, and the key with its size and kind in front, encrypted.
std::string sealed(const std::string& key, const std::string& with) {
    const std::string plain = little(12 + key.size(), 2) + std::string(10, '\0') + key;
    std::string nonce(12, 'n');
    std::string tag(16, '\0');
    std::string out(plain.size(), '\0');
    const auto bytes = [](std::string& text) {
        return reinterpret_cast<unsigned char*>(text.data());
    };
    EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
    int size = 0;
    std::string secret = with;
    std::string text = plain;
    const bool done =
        EVP_EncryptInit_ex(context, EVP_aes_256_ccm(), nullptr, nullptr, nullptr) == 1 &&
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_IVLEN, 12, nullptr) == 1 &&
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, 16, nullptr) == 1 &&
        EVP_EncryptInit_ex(context, nullptr, nullptr, bytes(secret), bytes(nonce)) == 1 &&
        EVP_EncryptUpdate(context, bytes(out), &size, bytes(text), static_cast<int>(text.size())) ==
            1 &&
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, 16, tag.data()) == 1;
    EVP_CIPHER_CTX_free(context);
    if (!done) {
        throw std::runtime_error("no AES-CCM");
    }
    return nonce + tag + out;
}

const std::string kMasterKey(32, 'm');
const std::string kExternalKey(32, 'e');

std::string guid(char which) {
    return std::string(15, '\x10') + which;
}

std::string protector(char which, std::uint64_t kind, const std::string& secret) {
    return entry(2, 8,
                 guid(which) + std::string(10, '\0') + little(kind, 2) +
                     entry(0, 5, sealed(kMasterKey, secret)));
}

std::string block(const BitlkImage& image) {
    const std::string salted = std::string(32, 's');  // what no passphrase leads to
    const std::string entries = entry(7, 2, std::string("M\0y\0 \0d\0i\0s\0k\0\xe4\0\0\0", 18)) +
                                protector('p', 0x2000, salted) + protector('r', 0x0800, salted) +
                                protector('x', 0x0200, kExternalKey) +
                                entry(2, 8, guid('t') + std::string(10, '\0') + little(0x100, 2)) +
                                entry(3, 5, sealed(image.volume_key, kMasterKey)) +
                                entry(15, 15, little(4U << 20, 8) + little(8192, 8));
    const std::string metadata =
        little(48 + entries.size(), 4) + little(1, 4) + little(48, 4) +
        little(48 + entries.size(), 4) +
        std::string("\x33\x22\x11\x00\x55\x44\x77\x66\x88\x99\xaa\xbb\xcc\xdd\xee\xff", 16) +
        little(1, 4) + little(image.cipher, 2) + little(0, 2) + little(0, 8) + entries;
    const std::size_t used = (64 + metadata.size() + 15) / 16 * 16;
    std::string header = "-FVE-FS-" + little(used / 16, 2) + little(2, 2) + little(image.state, 2) +
                         little(image.state, 2) + little(32U << 20, 8) + little(0, 4) +
                         little(16, 4);
    for (std::size_t i = 0; i < 3; ++i) {
        header += little(BitlkImage::kBlockOffset + i * BitlkImage::kBlockBytes, 8);
    }
    header += little(4U << 20, 8);
    std::string bytes = header + metadata;
    bytes.resize(used);
    bytes += little(BitlkImage::kBlockBytes - used, 2) + little(2, 2) +
             little(linux_os::crc32_of(bytes), 4);
    bytes.resize(BitlkImage::kBlockBytes);
    return bytes;
}

std::string bek(char which) {
    const std::string key = entry(
        6, 9, guid(which) + std::string(8, '\0') + entry(0, 1, little(0x2002, 4) + kExternalKey));
    return little(48 + key.size(), 4) + little(1, 4) + little(48, 4) + little(48 + key.size(), 4) +
           guid(which) + std::string(16, '\0') + key;
}

}  // namespace

std::string BitlkImage::bytes() const {
    const std::size_t guid_at = to_go ? 424 : 160;
    std::string image =
        std::string("\xeb\x58\x90") + (to_go ? "MSWIN4.1" : "-FVE-FS-") + little(512, 2);
    image.resize(guid_at);
    image +=
        encrypt_on_write
            ? std::string("\x3b\x4d\xa8\x92\x80\xdd\x0e\x4d\x9e\x4e\xb1\xe3\x28\x4e\xae\xd8", 16)
            : std::string("\x3b\xd6\x67\x49\x29\x2e\xd8\x4a\x83\x99\xf6\xa3\x39\xe3\xd0\x01", 16);
    for (std::size_t i = 0; i < 3; ++i) {
        image += little(kBlockOffset + i * kBlockBytes, 8);
    }
    image.resize(kBlockOffset);
    for (int i = 0; i < 3; ++i) {
        image += block(*this);
    }
    return image;
}

std::string BitlkImage::bek_file() const {
    return bek('x');
}

std::string BitlkImage::foreign_bek_file() const {
    return bek('y');
}

}  // namespace stillpoint::testing
