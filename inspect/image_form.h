// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "platform/byte_source.h"

namespace stillpoint {

/// How a disk's content lies in its image.
struct ImageForm {
    enum class Kind { raw, fixed_vhd };
    Kind kind = Kind::raw;
    std::uint64_t disk_bytes = 0;  // the disk's, from the image's beginning
    std::string problem;           // fixed VHD: a sentence; empty: its footer is as it should be
    std::string uuid;              // fixed VHD

    bool operator==(const ImageForm&) const = default;
};

/// Errors: volume_unreadable; image_unsupported, for an image whose blocks do not lie in order.
Result<ImageForm> image_form_of(const ByteSource& image);

}  // namespace stillpoint
