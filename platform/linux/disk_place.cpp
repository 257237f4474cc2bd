// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/disk_place.h"

#include <array>
#include <charconv>
#include <string_view>

namespace stillpoint::linux_os {
namespace {

constexpr int kOsDisk = -1;

bool is_number(std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

bool is_named(std::string_view name, std::string_view kind) {
    return name.starts_with(kind) && is_number(name.substr(kind.size()));
}

std::string_view next_component(std::string_view& path) {
    const std::size_t end = path.find('/');
    const std::string_view component = path.substr(0, end);
    path.remove_prefix(end == std::string_view::npos ? path.size() : end + 1);
    return component;
}

/// The L of a component "H:C:T:L", as SCSI disks have one.
std::optional<int> scsi_lun(std::string_view path) {
    while (!path.empty()) {
        std::string_view component = next_component(path);
        std::array<std::string_view, 4> parts;
        std::size_t count = 0;
        for (; count < parts.size() && !component.empty(); ++count) {
            const std::size_t end = component.find(':');
            parts.at(count) = component.substr(0, end);
            component.remove_prefix(end == std::string_view::npos ? component.size() : end + 1);
        }
        int lun = 0;
        if (count == 4 && component.empty() && is_number(parts[0]) && is_number(parts[1]) &&
            is_number(parts[2]) && is_number(parts[3]) &&
            std::from_chars(parts[3].data(), parts[3].data() + parts[3].size(), lun).ec ==
                std::errc()) {
            return lun;
        }
    }
    return std::nullopt;
}

bool is_remote(const DiskFacts& facts) {
    if (is_named(facts.name, "nbd") || is_named(facts.name, "rbd")) {
        return true;
    }
    if (!facts.transport.empty() && facts.transport != "pcie" && facts.transport != "loop") {
        return true;
    }
    std::string_view path = facts.path;
    while (!path.empty()) {
        const std::string_view component = next_component(path);
        // iSCSI puts disks under "session3", Fibre Channel under "rport-4:0-1".
        if (is_named(component, "session") || component.starts_with("rport-") ||
            component == "nvme-fabrics") {
            return true;
        }
    }
    return false;
}

DiskPlace place_on_vmbus(const DiskFacts& facts) {
    const std::string_view id = facts.vmbus_id;
    const std::optional<int> lun = scsi_lun(facts.path);
    DiskPlace place;
    if (id.starts_with("{00000000-0000-")) {
        place.lun = kOsDisk;
    } else if (id.starts_with("{00000000-0001-")) {
        place.resource_disk = true;
    } else if (id == "{f8b3781a-1e82-4818-a1c3-63d806ec15bb}") {
        if (lun == 0) {
            place.lun = kOsDisk;
        }
        place.resource_disk = lun == 1;
    } else if (id.starts_with("{f8b3781b-") || id.starts_with("{f8b3781c-") ||
               id.starts_with("{f8b3781d-")) {
        place.lun = lun;
    }
    return place;
}

}  // namespace

DiskPlace place_of(const DiskFacts& facts) {
    DiskPlace place;
    if (facts.vendor == "Msft" && facts.model == "Virtual Disk") {
        place = place_on_vmbus(facts);
    } else if (facts.model.starts_with("MSFT NVMe Accelerator") && facts.nsid) {
        // Namespace 1 is the OS disk, data disks follow from namespace 2 with LUN 0.
        place.lun = *facts.nsid == 1 ? kOsDisk : *facts.nsid - 2;
    } else if (facts.model.starts_with("Microsoft NVMe Direct Disk")) {
        place.local = true;
    }
    place.remote = is_remote(facts);
    return place;
}

}  // namespace stillpoint::linux_os
