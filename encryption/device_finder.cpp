// SPDX-License-Identifier: Apache-2.0
#include "encryption/device_finder.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

#include "base/format.h"

namespace stillpoint {
namespace {

constexpr int kOsDisk = -1;

std::optional<int> number_in(std::string_view text) {
    int number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end == text.data() + text.size() ? std::optional(number)
                                                                    : std::nullopt;
}

/// The name of a tag's value in /dev/disk: udev writes what is no plain letter as "\x20".
std::string udev_encoded(std::string_view text) {
    constexpr std::string_view kPlain = "#+-.:=@_";
    std::string name;
    for (const char each : text) {
        const auto byte = static_cast<unsigned char>(each);
        const bool plain = (each >= '0' && each <= '9') || (each >= 'a' && each <= 'z') ||
                           (each >= 'A' && each <= 'Z') || byte >= 0x80 ||
                           kPlain.find(each) != std::string_view::npos;
        name += plain ? std::string(1, each) : fmt::format("\\x{:02x}", byte);
    }
    return name;
}

}  // namespace

DeviceFinder::DeviceFinder(const Inventory& inventory, const EncryptionSources& sources)
    : inventory_(&inventory), sources_(&sources), graph_(inventory) {}

const BlockDevice* DeviceFinder::find(std::string_view spec) const {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kTags = {
        {{"UUID=", "by-uuid"},
         {"LABEL=", "by-label"},
         {"PARTUUID=", "by-partuuid"},
         {"PARTLABEL=", "by-partlabel"}}};
    for (const auto& [tag, folder] : kTags) {
        if (spec.starts_with(tag)) {
            std::string_view value = spec.substr(tag.size());
            if (value.size() > 1 && value.starts_with('"') && value.ends_with('"')) {
                value = value.substr(1, value.size() - 2);
            }
            return find(fmt::format("/dev/disk/{}/{}", folder, udev_encoded(value)));
        }
    }
    if (const auto link = sources_->links.find(std::string(spec)); link != sources_->links.end()) {
        return graph_.by_name(link->second);
    }
    if (const BlockDevice* device = graph_.by_path(spec)) {
        return device;
    }
    return by_azure_link(spec);
}

/// The links that Azure's udev rules make, where they are not there (any more).
const BlockDevice* DeviceFinder::by_azure_link(std::string_view path) const {
    constexpr std::string_view kRoot = "/dev/disk/azure/root";
    constexpr std::string_view kLun = "/dev/disk/azure/scsi1/lun";
    constexpr std::string_view kPart = "-part";
    int lun = kOsDisk;
    if (path.starts_with(kRoot)) {
        path.remove_prefix(kRoot.size());
    } else if (path.starts_with(kLun)) {
        path.remove_prefix(kLun.size());
        const std::size_t end = std::min(path.find('-'), path.size());
        const std::optional<int> number = number_in(path.substr(0, end));
        if (!number) {
            return nullptr;
        }
        lun = *number;
        path.remove_prefix(end);
    } else {
        return nullptr;
    }
    const std::string part(path.starts_with(kPart) ? path.substr(kPart.size())
                                                   : std::string_view());
    if (!path.empty() && part.empty()) {
        return nullptr;
    }
    for (const BlockDevice& device : inventory_->devices) {
        if (device.kind != BlockKind::disk || device.place.lun != lun) {
            continue;
        }
        const bool digit_at_end = device.name.back() >= '0' && device.name.back() <= '9';
        return part.empty() ? &device
                            : graph_.by_name(device.name + (digit_at_end ? "p" : "") + part);
    }
    return nullptr;
}

std::vector<std::string> DeviceFinder::disks(const BlockDevice& device) const {
    std::set<std::string> names;
    for (const BlockDevice* beneath : graph_.beneath({device.name})) {
        if (beneath->kind == BlockKind::disk || beneath->kind == BlockKind::loop) {
            names.insert(beneath->name);
        }
    }
    return {names.begin(), names.end()};
}

std::vector<std::string> DeviceFinder::disks_of_mount(DeviceNumber device) const {
    std::set<std::string> names;
    for (const Superblock& superblock : superblocks_of(*inventory_, graph_)) {
        if (superblock.device != device) {
            continue;
        }
        for (const std::string& name : superblock.devices) {
            if (const BlockDevice* one = graph_.by_name(name)) {
                const std::vector<std::string> found = disks(*one);
                names.insert(found.begin(), found.end());
            }
        }
    }
    return {names.begin(), names.end()};
}

std::vector<const BlockDevice*> DeviceFinder::all_above(const BlockDevice& device) const {
    std::vector<const BlockDevice*> found;
    std::set<std::string_view> seen = {device.name};
    std::vector<const BlockDevice*> left = {&device};
    while (!left.empty()) {
        const BlockDevice* below = left.back();
        left.pop_back();
        for (const BlockDevice* one : graph_.above(below->name)) {
            if (seen.insert(one->name).second) {
                found.push_back(one);
                left.push_back(one);
            }
        }
    }
    return found;
}

std::string DeviceFinder::uuid_of(std::string_view device) const {
    constexpr std::string_view kFolder = "/dev/disk/by-uuid/";
    for (auto link = sources_->links.lower_bound(std::string(kFolder));
         link != sources_->links.end() && link->first.starts_with(kFolder); ++link) {
        if (link->second == device) {
            return link->first.substr(kFolder.size());
        }
    }
    return "";
}

}  // namespace stillpoint
