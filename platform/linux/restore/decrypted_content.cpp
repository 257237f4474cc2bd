// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/restore/decrypted_content.h"

#include <array>
#include <memory>

#include <openssl/evp.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/format.h"
#include "platform/linux/crypt/volume_probe.h"
#include "platform/linux/crypt/volume_reader.h"
#include "platform/linux/guard/unique_fd.h"

namespace stillpoint::linux_os {
namespace {

/// btrfs' superblock lies at 64 KiB, all others before it.
constexpr std::uint64_t kLooked = 256U << 10;
constexpr std::uint64_t kIvSector = 512;  // LUKS counts in these, whatever the sector's size

using Context = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

const EVP_CIPHER* cipher_for(const VolumeKey& key) {
    if (key.cipher != "aes-xts-plain64") {
        return nullptr;
    }
    const std::size_t bytes = key.key.reveal().size();
    return bytes == 64 ? EVP_aes_256_xts() : bytes == 32 ? EVP_aes_128_xts() : nullptr;
}

bool decrypt(const EVP_CIPHER* cipher, const VolumeKey& key, std::string& bytes) {
    const Context context(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
    const auto sector = static_cast<std::size_t>(key.sector_bytes);
    const auto* secret = reinterpret_cast<const unsigned char*>(key.key.reveal().data());
    for (std::size_t at = 0; at + sector <= bytes.size(); at += sector) {
        const std::uint64_t number = at / kIvSector + key.iv_offset_sectors;
        std::array<unsigned char, 16> vector{};
        for (std::size_t i = 0; i < 8; ++i) {
            vector[i] = static_cast<unsigned char>(number >> (8 * i));
        }
        auto* place = reinterpret_cast<unsigned char*>(bytes.data() + at);
        int length = 0;
        if (!context ||
            EVP_DecryptInit_ex(context.get(), cipher, nullptr, secret, vector.data()) != 1 ||
            EVP_DecryptUpdate(context.get(), place, &length, place, static_cast<int>(sector)) !=
                1) {
            return false;
        }
    }
    return true;
}

/// As large as the volume: some superblocks are believed only if their filesystem fits.
Result<UniqueFd> in_memory(const std::string& bytes, std::uint64_t size) {
    UniqueFd file(::memfd_create("stillpoint-look", MFD_CLOEXEC));
    if (!file || ::ftruncate(file.get(), static_cast<off_t>(size)) != 0 ||
        ::pwrite(file.get(), bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
        return fail(Code::volume_unreadable, "no memory file can be had").with_errno(errno);
    }
    return file;
}

}  // namespace

Result<std::optional<DeviceContent>> decrypted_content(const std::string& device,
                                                       const VolumeKey& key) {
    const EVP_CIPHER* cipher = cipher_for(key);
    // BitLocker keeps the volume's first bytes elsewhere, and what lies there is not its content.
    if (cipher == nullptr || key.head_bytes != 0 ||
        key.sector_bytes < static_cast<int>(kIvSector)) {
        return std::optional<DeviceContent>();
    }
    const Result<VolumeReader> volume = VolumeReader::open({device, 0, 0});
    if (!volume) {
        return volume.error();
    }
    Result<std::string> bytes = volume->read(key.payload_offset_bytes, kLooked);
    if (!bytes) {
        return bytes.error();
    }
    if (!decrypt(cipher, key, *bytes)) {
        return std::optional<DeviceContent>();
    }
    const std::uint64_t size =
        std::max(volume->size(), key.payload_offset_bytes) - key.payload_offset_bytes;
    const Result<UniqueFd> file = in_memory(*bytes, size);
    if (!file) {
        return file.error();
    }
    const auto seen = probe_volume({fmt::format("/proc/self/fd/{}", file->get()), 0, 0});
    if (!seen) {
        return seen.error();
    }
    if (!*seen) {
        return std::optional(DeviceContent{});
    }
    return std::optional(
        DeviceContent{(*seen)->type, (*seen)->uuid, (*seen)->label, (*seen)->type.empty()});
}

}  // namespace stillpoint::linux_os
