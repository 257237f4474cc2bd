// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/crypt/xts_decryptor.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <openssl/evp.h>

#include "base/format.h"

namespace stillpoint::linux_os {
namespace {

constexpr std::string_view kCipher = "aes-xts-plain64";
constexpr std::uint64_t kSector = 512;

using Context = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

Error broken() {
    return fail(Code::encryption_unsupported, "the volume's key cannot be used");
}

/// dm-crypt's "plain64": the sector's number, little-endian.
std::array<unsigned char, 16> plain64(std::uint64_t sector) {
    std::array<unsigned char, 16> vector{};
    for (std::size_t i = 0; i < 8; ++i) {
        vector[i] = static_cast<unsigned char>(sector >> (8 * i));
    }
    return vector;
}

class XtsSource : public ByteSource {
public:
    XtsSource(const ByteSource& volume, Context context, const VolumeKey& key, int iv_unit_bytes)
        : payload_(volume, key.payload_offset_bytes,
                   (volume.size() - key.payload_offset_bytes) /
                       static_cast<std::uint64_t>(key.sector_bytes) *
                       static_cast<std::uint64_t>(key.sector_bytes)),
          context_(std::move(context)),
          sector_bytes_(static_cast<std::uint64_t>(key.sector_bytes)),
          iv_unit_bytes_(static_cast<std::uint64_t>(iv_unit_bytes)),
          iv_offset_bytes_(key.iv_offset_sectors * kSector) {}

    std::uint64_t size() const override { return payload_.size(); }

protected:
    Result<std::string> read_within(std::uint64_t offset, std::size_t count) const override {
        const std::uint64_t first = offset / sector_bytes_ * sector_bytes_;
        const std::uint64_t end =
            (offset + count + sector_bytes_ - 1) / sector_bytes_ * sector_bytes_;
        std::string plain;
        plain.reserve(static_cast<std::size_t>(end - first));
        // In pieces: with the sectors at both ends it may be more than one read gives.
        for (std::uint64_t at = first; at < end;) {
            const std::uint64_t piece = std::min<std::uint64_t>(end - at, kMaxRead / 2);
            const Result<std::string> sectors = payload_.read(at, static_cast<std::size_t>(piece));
            if (!sectors) {
                return sectors.error();
            }
            if (!decrypt_onto(plain, *sectors, at)) {
                return broken();
            }
            at += piece;
        }
        return plain.substr(static_cast<std::size_t>(offset - first), count);
    }

private:
    bool decrypt_onto(std::string& plain, const std::string& sectors, std::uint64_t at) const {
        for (std::size_t done = 0; done < sectors.size(); done += sector_bytes_) {
            const auto vector = plain64((at + done + iv_offset_bytes_) / iv_unit_bytes_);
            const std::size_t begin = plain.size();
            plain.resize(begin + sector_bytes_);
            int length = 0;
            if (EVP_DecryptInit_ex(context_.get(), nullptr, nullptr, nullptr, vector.data()) != 1 ||
                EVP_DecryptUpdate(context_.get(),
                                  reinterpret_cast<unsigned char*>(plain.data() + begin), &length,
                                  reinterpret_cast<const unsigned char*>(sectors.data() + done),
                                  static_cast<int>(sector_bytes_)) != 1 ||
                static_cast<std::uint64_t>(length) != sector_bytes_) {
                return false;
            }
        }
        return true;
    }

    ByteStretch payload_;
    Context context_;  // OpenSSL wipes the key in it
    std::uint64_t sector_bytes_;
    std::uint64_t iv_unit_bytes_;
    std::uint64_t iv_offset_bytes_;
};

bool is_sector(int bytes) {
    return bytes == 512 || bytes == 1024 || bytes == 2048 || bytes == 4096;
}

}  // namespace

bool XtsDecryptor::knows(const std::string& cipher, int sector_bytes) const {
    return cipher == kCipher && is_sector(sector_bytes);
}

Result<std::unique_ptr<ByteSource>> XtsDecryptor::decrypt(const ByteSource& volume,
                                                          const VolumeKey& key,
                                                          int iv_unit_bytes) const {
    const std::size_t bytes = key.key.reveal().size();
    if (!knows(key.cipher, key.sector_bytes) || !is_sector(iv_unit_bytes) ||
        (bytes != 32 && bytes != 64)) {
        return fail(
            Code::encryption_unsupported,
            fmt::format("'{}' with a key of {} bits is not decrypted here", key.cipher, bytes * 8));
    }
    if (key.payload_offset_bytes > volume.size()) {
        return fail(Code::volume_unreadable, "the encrypted data begins behind the volume's end");
    }
    Context context(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
    if (!context ||
        EVP_DecryptInit_ex(context.get(), bytes == 64 ? EVP_aes_256_xts() : EVP_aes_128_xts(),
                           nullptr, reinterpret_cast<const unsigned char*>(key.key.reveal().data()),
                           nullptr) != 1) {
        return broken();
    }
    return std::unique_ptr<ByteSource>(
        std::make_unique<XtsSource>(volume, std::move(context), key, iv_unit_bytes));
}

}  // namespace stillpoint::linux_os
