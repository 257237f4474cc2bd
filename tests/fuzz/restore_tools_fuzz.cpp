// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <string_view>

#include "restore/filesystem_check.h"
#include "restore/lv_path.h"
#include "restore/lvm_report.h"
#include "restore/machine.h"

/// What tools print and superblocks hold, as `reinstall` reads it.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    using namespace stillpoint;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const std::size_t half = std::min(text.find('\0'), text.size());
    (void)parse_lvm_report(text.substr(0, half), text.substr(half), {});
    (void)parse_lvm_report(text, text, {});
    (void)ext_state(text);
    (void)ext_has_orphans(text);
    (void)ext_damage_beside_orphans(text);
    (void)btrfs_state(text);
    (void)xfs_log_state(text);
    (void)xfs_damage(text);
    // "/dev/mapper/..." has the other form.
    const auto path = parse_lv_path(text);
    if (path && path->group != "mapper" && parse_lv_path(lv_path(*path)) != path) {
        std::abort();
    }
    if (!is_same_product(text, text)) {
        std::abort();
    }
    return 0;
}
