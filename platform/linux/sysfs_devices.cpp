// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/sysfs_devices.h"

#include <algorithm>
#include <charconv>

#include <boost/filesystem.hpp>

#include "platform/linux/disk_place.h"
#include "platform/linux/proc_file.h"

namespace stillpoint::linux_os {
namespace {

namespace fs = boost::filesystem;

constexpr std::uint64_t kSectorSize = 512;  // sysfs counts in these whatever the disk does

std::vector<std::string> names_in(const std::string& folder) {
    std::vector<std::string> names;
    boost::system::error_code error;
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
         entry.increment(error)) {
        names.push_back(entry->path().filename().string());
    }
    std::ranges::sort(names);
    return names;
}

bool exists(const std::string& path) {
    boost::system::error_code error;
    return fs::exists(path, error);
}

std::string resolved(const std::string& path) {
    boost::system::error_code error;
    const fs::path real = fs::canonical(path, error);
    return error ? path : real.string();
}

template <class Number>
std::optional<Number> number_at(const std::string& path) {
    const auto text = read_attribute(path);
    Number number{};
    if (!text ||
        std::from_chars(text->data(), text->data() + text->size(), number).ec != std::errc()) {
        return std::nullopt;
    }
    return number;
}

/// /sys/class/block also lists what can never be a disk of ours.
bool is_no_disk(const std::string& name) {
    for (const char* kind : {"zram", "ram", "sr", "fd", "drbd", "mtdblock"}) {
        if (name.starts_with(kind)) {
            return true;
        }
    }
    return false;
}

BlockKind dm_kind(std::string_view uuid) {
    if (uuid.starts_with("CRYPT-")) {
        return BlockKind::dm_crypt;
    }
    if (uuid.starts_with("LVM-")) {
        return BlockKind::dm_lvm;
    }
    return uuid.starts_with("mpath-") ? BlockKind::dm_multipath : BlockKind::dm_other;
}

/// The id of the VMBus device that `path` lies under, if any.
std::string vmbus_id_above(fs::path path, const fs::path& top) {
    for (; path.has_parent_path() && path != top; path = path.parent_path()) {
        const auto id = read_attribute((path / "device_id").string());
        if (id && id->starts_with('{')) {
            return *id;
        }
    }
    return "";
}

std::string nvme_transport(const std::string& path) {
    if (const auto transport = read_attribute(path + "/device/transport")) {
        return *transport;
    }
    // With native multipath the disk belongs to a subsystem, and the controllers lie in that.
    for (const std::string& name : names_in(path + "/device")) {
        if (const auto transport = read_attribute(path + "/device/" + name + "/transport")) {
            return *transport;
        }
    }
    return "";
}

}  // namespace

Result<std::vector<BlockDevice>> SysfsDevices::block_devices() const {
    const std::string folder = sys_root_ + "/class/block";
    if (!exists(folder)) {
        return fail(Code::inventory_unreadable, "there is no '" + folder + "'");
    }
    std::vector<BlockDevice> devices;
    for (const std::string& name : names_in(folder)) {
        const auto text = read_attribute(folder + "/" + name + "/dev");
        // The hidden paths of a multipath disk have no number, and a device may vanish meanwhile.
        const auto number = text ? parse_device_number(*text) : std::nullopt;
        if (number) {
            devices.push_back(describe(name, *number));
        }
    }
    return devices;
}

BlockDevice SysfsDevices::describe(const std::string& name, DeviceNumber number) const {
    const std::string path = resolved(sys_root_ + "/class/block/" + name);
    BlockDevice device;
    device.name = name;
    device.number = number;
    device.disk = name;
    device.size_bytes = number_at<std::uint64_t>(path + "/size").value_or(0) * kSectorSize;
    device.read_only = number_at<int>(path + "/ro").value_or(0) != 0;
    device.below = names_in(path + "/slaves");
    std::string queue = path + "/queue";
    if (exists(path + "/partition")) {
        device.kind = BlockKind::partition;
        device.disk = fs::path(path).parent_path().filename().string();
        device.below = {device.disk};
        queue = fs::path(path).parent_path().string() + "/queue";
    } else if (exists(path + "/dm")) {
        device.dm_name = read_attribute(path + "/dm/name").value_or("");
        device.dm_uuid = read_attribute(path + "/dm/uuid").value_or("");
        device.kind = dm_kind(device.dm_uuid);
    } else if (exists(path + "/md")) {
        device.kind = BlockKind::md;
        device.raid_activity = read_attribute(path + "/md/sync_action").value_or("");
    } else if (name.starts_with("loop")) {
        device.kind = BlockKind::loop;
        device.backing_file = read_attribute(path + "/loop/backing_file").value_or("");
    } else if (device.below.empty() && !is_no_disk(name)) {
        device.kind = BlockKind::disk;
        device.place = place(name, path);
    }
    device.counters_on = number_at<int>(queue + "/iostats").value_or(1) != 0;
    return device;
}

DiskPlace SysfsDevices::place(const std::string& name, const std::string& path) const {
    DiskFacts facts;
    facts.name = name;
    facts.path = path;
    facts.vendor = read_attribute(path + "/device/vendor").value_or("");
    facts.model = read_attribute(path + "/device/model").value_or("");
    facts.vmbus_id = vmbus_id_above(path, resolved(sys_root_));
    if (name.starts_with("nvme")) {
        facts.nsid = number_at<int>(path + "/nsid");
        facts.transport = nvme_transport(path);
    }
    return place_of(facts);
}

std::vector<BtrfsFilesystem> SysfsDevices::btrfs() const {
    std::vector<BtrfsFilesystem> filesystems;
    const std::string folder = sys_root_ + "/fs/btrfs";
    for (const std::string& name : names_in(folder)) {
        // Beside the filesystems there is "features".
        std::vector<std::string> devices = names_in(folder + "/" + name + "/devices");
        if (!devices.empty()) {
            filesystems.push_back({.uuid = name, .devices = std::move(devices)});
        }
    }
    return filesystems;
}

}  // namespace stillpoint::linux_os
