// SPDX-License-Identifier: Apache-2.0
#include "tests/support/machine.h"

#include <map>
#include <sstream>

#include <gtest/gtest.h>

#include "platform/linux/mountinfo.h"

namespace stillpoint::testing {
namespace {

constexpr std::uint64_t kSize = 1U << 30U;

DeviceNumber number_in(const std::string& text) {
    const auto number = parse_device_number(text);
    EXPECT_TRUE(number) << text;
    return number.value_or(DeviceNumber{});
}

BlockKind kind_in(const std::string& text) {
    static const std::map<std::string, BlockKind> kKinds = {
        {"disk", BlockKind::disk},      {"partition", BlockKind::partition},
        {"crypt", BlockKind::dm_crypt}, {"lvm", BlockKind::dm_lvm},
        {"md", BlockKind::md},          {"multipath", BlockKind::dm_multipath},
        {"loop", BlockKind::loop},      {"other", BlockKind::other}};
    const auto found = kKinds.find(text);
    EXPECT_NE(found, kKinds.end()) << text;
    return found == kKinds.end() ? BlockKind::other : found->second;
}

void set_value(BlockDevice& device, const std::string& key, const std::string& value) {
    if (key == "lun") {
        device.place.lun = std::stoi(value);
    } else if (key == "file") {
        device.backing_file = value;
    } else if (key == "name") {
        device.dm_name = value;
    } else if (key == "uuid") {
        device.dm_uuid = value;
    } else if (key == "activity") {
        device.raid_activity = value;
    } else if (key == "on") {
        std::istringstream names(value);
        for (std::string name; std::getline(names, name, ',');) {
            device.below.push_back(name);
        }
    } else {
        ADD_FAILURE() << "unknown key " << key;
    }
}

void set_word(BlockDevice& device, const std::string& word) {
    if (word == "ro") {
        device.read_only = true;
    } else if (word == "resource") {
        device.place.resource_disk = true;
    } else if (word == "local") {
        device.place.local = true;
    } else if (word == "remote") {
        device.place.remote = true;
    } else if (word == "uncounted") {
        device.counters_on = false;
    } else if (word == "empty") {
        device.size_bytes = 0;
    } else {
        ADD_FAILURE() << "unknown word " << word;
    }
}

BlockDevice parse_device(std::istringstream words) {
    std::string kind;
    std::string number;
    BlockDevice device;
    words >> kind >> device.name >> number;
    device.kind = kind_in(kind);
    device.number = number_in(number);
    device.size_bytes = kSize;
    for (std::string word; words >> word;) {
        const std::size_t equals = word.find('=');
        if (equals == std::string::npos) {
            set_word(device, word);
        } else {
            set_value(device, word.substr(0, equals), word.substr(equals + 1));
        }
    }
    device.disk = device.kind == BlockKind::partition ? device.below.at(0) : device.name;
    return device;
}

void parse_selection(HoldSelection& selection, const std::string& key, const std::string& value) {
    if (key == "lun") {
        selection.luns.push_back(std::stoi(value));
    } else if (key == "only") {
        selection.only_mounts.push_back(value);
    } else if (key == "skip") {
        selection.skip_mounts.push_back(value);
    } else if (key == "device") {
        if (!selection.only_devices) {
            selection.only_devices.emplace();
        }
        selection.only_devices->push_back(number_in(value));
    } else {
        ADD_FAILURE() << "unknown key " << key;
    }
}

void parse_line(Machine& machine, const std::string& section, const std::string& line) {
    std::istringstream words(line);
    std::string first;
    std::string second;
    if (section.starts_with("[mounts")) {
        const std::size_t pid = section.find("of ");
        auto table = linux_os::parse_mountinfo(
            line, pid == std::string::npos ? 0 : std::stoi(section.substr(pid + 3)));
        EXPECT_EQ(table.mounts.size(), 1U) << line;
        for (Mount& mount : table.mounts) {
            machine.inventory.mounts.push_back(std::move(mount));
        }
    } else if (section == "[devices]") {
        machine.inventory.devices.push_back(parse_device(std::move(words)));
    } else if (section == "[btrfs]") {
        BtrfsFilesystem filesystem;
        words >> filesystem.uuid;
        for (std::string name; words >> name;) {
            filesystem.devices.push_back(name);
        }
        machine.inventory.btrfs.push_back(std::move(filesystem));
    } else if (section == "[swaps]") {
        words >> first >> second;
        machine.inventory.swaps.push_back({.path = second, .file = first == "file"});
    } else if (section == "[selection]") {
        words >> first >> second;
        parse_selection(machine.selection, first, second);
    } else {
        ADD_FAILURE() << "unknown section " << section;
    }
}

std::string list(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) {
        text += " " + name;
    }
    return text.empty() ? " -" : text;
}

std::string opened_at(const std::string& mount_point, int mount_id, int namespace_pid) {
    return mount_point + " (mount " + std::to_string(mount_id) + ")" +
           (namespace_pid == 0 ? "" : " in process " + std::to_string(namespace_pid));
}

}  // namespace

Machine parse_machine(const std::string& text) {
    Machine machine;
    std::istringstream lines(text);
    std::string section;
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with('[')) {
            section = line;
        } else if (!line.empty() && !line.starts_with('#')) {
            parse_line(machine, section, line);
        }
    }
    return machine;
}

std::string render(const GuestPlan& plan) {
    std::ostringstream text;
    for (const FilesystemToHold& one : plan.hold.filesystems) {
        text << "hold, level " << one.level << ": " << to_string(one.device) << " " << one.type
             << " at " << opened_at(one.mount_point, one.mount_id, one.namespace_pid) << "\n";
    }
    for (const FilesystemToWatch& one : plan.hold.watched) {
        text << "watch: " << to_string(one.device) << " " << one.type << " at "
             << opened_at(one.mount_point, one.mount_id, one.namespace_pid) << " by"
             << list(one.block_devices) << "\n";
    }
    for (const LeftOut& one : plan.left_out) {
        text << "leave out: " << to_string(one.device) << " " << one.type << " at "
             << one.mount_point << ": " << one.why << (one.lowers_claim ? " [lowers]" : "") << "\n";
    }
    text << "count:" << list(plan.hold.block_devices) << "\n";
    text << "covered:" << list(plan.covered_devices) << "\n";
    text << "swap may move:" << list(plan.swap_file_devices) << "\n";
    text << "disks:" << list(plan.disks) << "\n";
    text << "a stack spans disks: " << (plan.stack_spans_disks ? "yes" : "no") << "\n";
    text << "pseudo filesystems: " << plan.pseudo_filesystems << "\n";
    for (const std::string& warning : plan.warnings) {
        text << "warning: " << warning << "\n";
    }
    return text.str();
}

}  // namespace stillpoint::testing
