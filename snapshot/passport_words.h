// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>

#include "base/json_record.h"
#include "platform/inventory.h"

namespace stillpoint {

/// The kinds of devices as a passport names them. Included by .cpp files only.
inline auto names_of(BlockKind) {
    using enum BlockKind;
    return std::to_array<std::pair<BlockKind, const char*>>({{disk, "disk"},
                                                             {partition, "partition"},
                                                             {dm_crypt, "crypt"},
                                                             {dm_lvm, "lvm"},
                                                             {dm_multipath, "multipath"},
                                                             {dm_other, "mapped"},
                                                             {md, "raid"},
                                                             {loop, "loop"},
                                                             {other, "other"}});
}

constexpr BlockKind unknown_of(BlockKind) {
    return BlockKind::other;
}

}  // namespace stillpoint
