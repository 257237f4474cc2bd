// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include <sys/mman.h>
#include <unistd.h>

#include "base/format.h"
#include "platform/linux/crypt/bytes.h"
#include "platform/linux/crypt/digest.h"
#include "platform/linux/crypt/linux_encryption_headers.h"
#include "platform/linux/crypt/volume_probe.h"
#include "platform/linux/guard/unique_fd.h"

namespace {

using namespace stillpoint;
using namespace stillpoint::linux_os;

constexpr off_t kVolumeBytes = 32 << 20;

/// Puts a right checksum on a LUKS2 copy at `offset`, so that what is inside it is looked at.
void seal_luks2(std::string& volume, std::size_t offset) {
    constexpr std::size_t kChecksumAt = 448;
    const std::uint64_t bytes = big_endian(volume, offset + 8, 8);
    if (bytes < 4096 || bytes > 65536) {
        return;
    }
    volume.resize(std::max<std::size_t>(volume.size(), offset + bytes));
    volume.replace(offset + 72, 7, std::string("sha256\0", 7));
    volume.replace(offset + kChecksumAt, 64, std::string(64, '\0'));
    Digest digest = Digest::sha256();
    digest.add(std::string_view(volume).substr(offset, bytes));
    volume.replace(offset + kChecksumAt, 32, digest.bytes());
}

/// The same for the metadata blocks of BITLK.
void seal_bitlk(std::string& volume) {
    const std::size_t offsets_at = volume.substr(3, 8) == "MSWIN4.1" ? 440 : 176;
    for (std::size_t i = 0; i < 3; ++i) {
        const std::uint64_t offset = little_endian(volume, offsets_at + 8 * i, 8);
        const std::uint64_t used = 16 * little_endian(volume, offset + 8, 2);
        if (offset < volume.size() && used + 8 <= volume.size() - offset) {
            const std::uint32_t sum = crc32_of(std::string_view(volume).substr(offset, used));
            for (std::size_t byte = 0; byte < 4; ++byte) {
                volume[offset + used + 4 + byte] = static_cast<char>(sum >> 8 * byte);
            }
        }
    }
}

enum class Probe { yes, no };

void read_all(const std::string& volume, Probe probe) {
    const UniqueFd fd(::memfd_create("volume", MFD_CLOEXEC));
    if (::ftruncate(fd.get(), kVolumeBytes) != 0 ||
        ::pwrite(fd.get(), volume.data(), volume.size(), 0) !=
            static_cast<ssize_t>(volume.size())) {
        std::abort();
    }
    const VolumePlace place{.path = fmt::format("/proc/self/fd/{}", fd.get())};
    const auto header = LinuxEncryptionHeaders().read(place);
    if (!header ||
        (probe == Probe::yes && (!probe_volume(place) || !read_partition_table(place))) ||
        (*header && ((*header)->state == HeaderState::sound) != (*header)->problem.empty())) {
        std::abort();
    }
    std::string after(volume.size(), '\0');
    if (::pread(fd.get(), after.data(), after.size(), 0) != static_cast<ssize_t>(after.size()) ||
        after != volume) {
        std::abort();  // written to
    }
}

}  // namespace

// What stands at the beginning of a volume, as it is and with checksums made right. No key is
// tried: a hostile header can make that take as long as it wants.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size > 256U << 10) {
        return 0;
    }
    std::string volume(reinterpret_cast<const char*>(data), size);
    read_all(volume, Probe::yes);
    volume.resize(std::max<std::size_t>(volume.size(), 1024));
    if (volume.starts_with("LUKS")) {
        seal_luks2(volume, 0);
        const std::uint64_t second = big_endian(volume, 8, 8);
        if (second < volume.size()) {
            seal_luks2(volume, second);
        }
        read_all(volume, Probe::no);
    } else if (volume.starts_with("\xeb")) {
        seal_bitlk(volume);
        read_all(volume, Probe::no);
    }
    return 0;
}
