// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/crypt/xts_decryptor.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include "tests/fakes/byte_text.h"

namespace stillpoint::linux_os {
namespace {

using testing::ByteText;

std::string from_hex(std::string_view hex) {
    std::string bytes;
    for (std::size_t i = 0; i + 2 <= hex.size(); i += 2) {
        bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
    }
    return bytes;
}

// IEEE 1619-2007, annex B, vectors 4 and 5: the same key, data units 0 and 1; the plaintext of the
// second is the ciphertext of the first. Their beginnings: the blocks of a unit are independent.
constexpr std::string_view kKey =
    "2718281828459045235360287471352631415926535897932384626433832795";
constexpr std::string_view kFirst =
    "27a7479befa1d476489f308cd4cfa6e2a96e4bbe3208ff25287dd3819616e89c";
constexpr std::string_view kSecond =
    "264d3ca8512194fec312c8c9891f279fefdd608d0c027b60483a3fa811d65ee5";

std::string padded(std::string bytes, std::size_t size) {
    bytes.resize(size, '\0');
    return bytes;
}

VolumeKey key_of(std::string bytes, std::uint64_t payload = 0, int sector_bytes = 512) {
    return {.key = Secret(std::move(bytes)),
            .cipher = "aes-xts-plain64",
            .sector_bytes = sector_bytes,
            .payload_offset_bytes = payload,
            .iv_offset_sectors = 0};
}

/// What a mapping would have written: by OpenSSL too, but one sector, named by its number.
std::string encrypted(const std::string& key, std::uint64_t number, const std::string& plain) {
    unsigned char vector[16] = {};
    for (std::size_t i = 0; i < 8; ++i) {
        vector[i] = static_cast<unsigned char>(number >> (8 * i));
    }
    EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
    std::string cipher(plain.size(), '\0');
    int length = 0;
    EVP_EncryptInit_ex(context, key.size() == 64 ? EVP_aes_256_xts() : EVP_aes_128_xts(), nullptr,
                       reinterpret_cast<const unsigned char*>(key.data()), vector);
    EVP_EncryptUpdate(context, reinterpret_cast<unsigned char*>(cipher.data()), &length,
                      reinterpret_cast<const unsigned char*>(plain.data()),
                      static_cast<int>(plain.size()));
    EVP_CIPHER_CTX_free(context);
    return cipher;
}

TEST(XtsDecryptor, AgreesWithTheStandardsVectors) {
    const ByteText volume(padded(from_hex(kFirst), 512) + padded(from_hex(kSecond), 512));
    const auto plain = XtsDecryptor().decrypt(volume, key_of(from_hex(kKey)), 512);
    ASSERT_TRUE(plain) << plain.error().describe();
    EXPECT_EQ((*plain)->read(0, 4).value(), std::string("\0\1\2\3", 4));
    EXPECT_EQ((*plain)->read(16, 4).value(), "\x10\x11\x12\x13");
    EXPECT_EQ((*plain)->read(512, 32).value(), from_hex(kFirst));
}

TEST(XtsDecryptor, ReadsAcrossSectorsFromAnyByte) {
    const std::string key = std::string(32, 'k') + std::string(32, 'l');
    std::string text;
    std::string bytes = padded("header", 4096);
    for (int sector = 0; sector < 4; ++sector) {
        const std::string plain(512, static_cast<char>('a' + sector));
        text += plain;
        bytes += encrypted(key, static_cast<std::uint64_t>(sector), plain);
    }
    const ByteText volume(bytes + "an incomplete sector");
    const auto plain = XtsDecryptor().decrypt(volume, key_of(key, 4096), 512);
    ASSERT_TRUE(plain);
    EXPECT_EQ((*plain)->size(), 2048U);
    for (const std::size_t begin : {0U, 1U, 511U, 512U, 1000U}) {
        EXPECT_EQ((*plain)->read(begin, 1030).value(), text.substr(begin, 1030)) << begin;
    }
    EXPECT_FALSE((*plain)->read(2040, 9));
}

TEST(XtsDecryptor, CountsLargeSectorsInTheUnitItIsTold) {
    const std::string key = std::string(32, 'k') + std::string(32, 'l');
    const std::string text(4096, 'p');
    // The second sector of 4096 bytes: number 8 in units of 512 bytes (LUKS2), 1 in its own.
    const ByteText luks(std::string(4096, '\0') + encrypted(key, 8, text));
    const ByteText bitlk(std::string(4096, '\0') + encrypted(key, 1, text));
    EXPECT_EQ(
        XtsDecryptor().decrypt(luks, key_of(key, 0, 4096), 512).value()->read(4096, 4096).value(),
        text);
    EXPECT_EQ(
        XtsDecryptor().decrypt(bitlk, key_of(key, 0, 4096), 4096).value()->read(4096, 4096).value(),
        text);
}

TEST(XtsDecryptor, RefusesWhatItDoesNotKnow) {
    const ByteText volume(std::string(8192, '\0'));
    VolumeKey cbc = key_of(std::string(32, 'k'));
    cbc.cipher = "aes-cbc-essiv:sha256";
    EXPECT_EQ(XtsDecryptor().decrypt(volume, cbc, 512).error().code(),
              Code::encryption_unsupported);
    EXPECT_FALSE(XtsDecryptor().decrypt(volume, key_of("short"), 512));
    EXPECT_FALSE(XtsDecryptor().decrypt(volume, key_of(from_hex(kKey), 0, 513), 512));
    EXPECT_EQ(XtsDecryptor().decrypt(volume, key_of(from_hex(kKey), 8193), 512).error().code(),
              Code::volume_unreadable);
    EXPECT_FALSE(XtsDecryptor().knows("serpent-xts-plain64", 512));
}

}  // namespace
}  // namespace stillpoint::linux_os
