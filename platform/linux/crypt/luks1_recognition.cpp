// SPDX-License-Identifier: Apache-2.0
#include <libcryptsetup.h>

#include "base/format.h"
#include "platform/linux/crypt/crypt_device.h"
#include "platform/linux/crypt/header_copy.h"
#include "platform/linux/crypt/luks1_layout.h"
#include "platform/linux/crypt/recognised.h"

namespace stillpoint::linux_os {
namespace {

constexpr Stretch kHeader = {0, 4096};

/// Empty when it loads. Errors: volume_unreadable.
Result<std::string> why_not_loaded(const VolumeReader& volume) {
    Result<HeaderCopy> copy = HeaderCopy::make(volume.size());
    if (!copy) {
        return copy.error();
    }
    if (const Result<void> put = copy->put_from(volume, {kHeader}); !put) {
        return put.error();
    }
    CryptDevice device(*copy, volume.path());
    return device.load(CRYPT_LUKS1) ? std::string() : device.why();
}

}  // namespace

Recognition recognise_luks1(const VolumeReader& volume) {
    const Result<std::string> start = volume.read(0, Luks1Layout::kBytes);
    if (!start) {
        return start.error();
    }
    const std::optional<Luks1Layout> layout = parse_luks1(*start, volume.size());
    if (!layout) {
        return std::optional<RecognisedHeader>();
    }
    const Result<std::string> why = why_not_loaded(volume);
    if (!why) {
        return why.error();
    }
    RecognisedHeader found{.header = layout->header};
    EncryptionHeader& header = found.header;
    if (why->empty()) {
        Result<std::string> keyslots = digest_of(volume, layout->key_areas);
        if (!keyslots) {
            return keyslots.error();
        }
        header.digests.keyslots = *std::move(keyslots);
        found.header_areas = {kHeader};
        found.key_areas = layout->key_areas;
        found.key_costs = layout->key_costs;
        return std::optional(std::move(found));
    }
    if (header.reencrypting) {
        header.state = HeaderState::damaged;
        header.problem =
            "an offline re-encryption, which cryptsetup has to bring to its end, has disabled it";
    } else if (!layout->fault.empty()) {
        header.state = HeaderState::damaged;
        header.problem = fmt::format("its fields contradict each other: {}", layout->fault);
    } else {
        header.state = HeaderState::not_understood;
        header.problem = fmt::format("libcryptsetup does not load it: {}", *why);
    }
    if (header.state == HeaderState::damaged) {
        header.digests = {};
    }
    return std::optional(std::move(found));
}

}  // namespace stillpoint::linux_os
