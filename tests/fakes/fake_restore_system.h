// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/format.h"
#include "encryption/tables.h"
#include "platform/restore_system.h"

namespace stillpoint::testing {

/// A machine in memory that does what the system's tools would do, and refuses what they refuse.
class FakeRestoreSystem final : public RestoreSystem, public EncryptionHeaders {
public:
    struct Group {
        std::string uuid;
        std::string name;
        std::vector<std::string> members;  // UUIDs of physical volumes
        std::vector<std::pair<std::string, DeviceContent>> volumes;
        bool active = false;
    };

    // --- The machine, to be set up by a test.

    RestoreDevice& add_disk(const std::string& name, std::uint64_t size,
                            const DeviceContent& content = {},
                            std::vector<std::string> leading_to_it = {}) {
        RestoreDevice device;
        device.block.name = name;
        device.block.disk = name;
        device.block.kind = BlockKind::disk;
        device.block.number = {8, next_++};
        device.block.size_bytes = size;
        device.path = "/dev/" + name;
        device.links = std::move(leading_to_it);
        device.content = content;
        disks_.push_back(device);
        return disks_.back();
    }
    /// A header on a device or in a file, and the key that opens it.
    void add_header(const std::string& place, const EncryptionHeader& header,
                    const std::string& key) {
        headers_[place] = {header, key};
    }
    void forget_header(const std::string& place) { headers_.erase(place); }
    /// What a key shows on a device.
    void add_inside(const std::string& device, const std::string& key,
                    const DeviceContent& content) {
        inside_[{device, key}] = content;
    }
    void add_key(const std::string& device, const std::string& name, const std::string& key) {
        key_volumes_[device][name] = key;
    }
    void forget_key(const std::string& device, const std::string& name) {
        key_volumes_[device].erase(name);
    }
    void add_group(Group group) { groups_.push_back(std::move(group)); }
    /// A file inside a filesystem, by the filesystem's UUID.
    void add_file_inside(const std::string& uuid, const std::string& path,
                         const std::string& text) {
        files_inside_[uuid][path] = text;
    }
    void add_mount(const std::string& source, const std::string& mount_point) {
        const RestoreDevice* device = find(source);
        mounts_.push_back({.id = static_cast<int>(next_),
                           .parent_id = 1,
                           .device = device != nullptr ? device->block.number : DeviceNumber{0, 99},
                           .root = "/",
                           .mount_point = mount_point,
                           .source = source});
    }
    std::map<std::string, std::string> files;
    std::map<std::string, std::string> folder_links;  // paths of folders, and where they lead
    std::map<std::string, std::string> tool_output;   // by the tool's name
    std::map<std::string, int> tool_exit;
    std::set<std::string> missing_tools;
    std::string ext_superblock = clean_ext();
    bool auto_activation = false;  // what the system does with LVM when a member shows up
    std::set<std::string> unreadable_inside;  // devices

    /// The change with this number fails; the first one is 1.
    int fail_change = 0;
    /// So does a command with these words.
    std::string fail_command;
    /// And replacing this file.
    std::string fail_replace_of;
    /// And putting a file back.
    bool fail_undo = false;

    int changes() const { return changes_; }
    const std::vector<std::string>& commands() const { return commands_; }

    /// What must be as before after a failure.
    std::string state() const {
        std::string text;
        for (const auto& [path, content] : files) {
            text += path + ": " + content + "\n";
        }
        for (const RestoreDevice& device : all()) {
            text += device.path + " " + device.block.dm_name + "\n";
        }
        for (const Mount& mount : mounts_) {
            text += mount.source + " at " + mount.mount_point + "\n";
        }
        for (const std::string& folder : folders_) {
            text += folder + "/\n";
        }
        for (const auto& [place, header] : headers_) {
            text += place + (header.first.state == HeaderState::sound ? " sound\n" : " damaged\n");
        }
        for (const Group& group : groups_) {
            text += group.name + " " + group.uuid + (group.active ? " active\n" : "\n");
            for (const std::string& member : group.members) {
                text += "  " + member + "\n";
            }
        }
        return text;
    }

    static std::string clean_ext() {
        std::string bytes(1024, '\0');
        bytes[56] = '\x53';
        bytes[57] = '\xEF';
        bytes[58] = 1;
        return bytes;
    }
    static std::string ext_with_orphans() {
        std::string bytes = clean_ext();
        bytes[232] = 12;
        return bytes;
    }
    static std::string ext_with_journal() {
        std::string bytes = clean_ext();
        bytes[96] = 4;
        return bytes;
    }

    // --- RestoreSystem

    Result<std::vector<RestoreDevice>> devices() const override { return all(); }
    Result<std::vector<Mount>> mounts() const override { return mounts_; }

    Result<std::string> resolve(const std::string& path) const override {
        for (const auto& [link, target] : folder_links) {
            if (path == link || path.starts_with(link + "/")) {
                return target + path.substr(link.size());
            }
        }
        return path;
    }
    Result<std::optional<std::string>> read(const std::string& path) const override {
        if (const auto found = files.find(path); found != files.end()) {
            return std::optional(found->second);
        }
        for (const Mount& mount : mounts_) {
            const RestoreDevice* device = find(mount.source);
            if (device == nullptr || !path.starts_with(mount.mount_point + "/")) {
                continue;
            }
            const auto inside = files_inside_.find(device->content.uuid);
            if (inside != files_inside_.end()) {
                const auto file = inside->second.find(path.substr(mount.mount_point.size()));
                if (file != inside->second.end()) {
                    return std::optional(file->second);
                }
            }
        }
        return std::optional<std::string>();
    }
    Result<std::optional<Secret>> read_key(const std::string& path) const override {
        for (const Mount& mount : mounts_) {
            const auto volume = key_volumes_.find(mount.source);
            if (volume == key_volumes_.end() || !path.starts_with(mount.mount_point + "/")) {
                continue;
            }
            const auto key = volume->second.find(path.substr(mount.mount_point.size() + 1));
            if (key != volume->second.end()) {
                return std::optional(Secret(std::string(key->second)));
            }
        }
        const auto found = files.find(path);
        return found == files.end() ? std::optional<Secret>()
                                    : std::optional(Secret(std::string(found->second)));
    }
    Result<std::map<std::string, Secret>> read_keys_on(const std::string& device) const override {
        std::map<std::string, Secret> keys;
        const auto volume = key_volumes_.find(device);
        if (volume != key_volumes_.end()) {
            for (const auto& [name, key] : volume->second) {
                keys.emplace(name, Secret(std::string(key)));
            }
        }
        return keys;
    }
    Result<std::vector<std::string>> names_in(const std::string& folder) const override {
        std::vector<std::string> names;
        for (const Mount& mount : mounts_) {
            const auto volume = key_volumes_.find(mount.source);
            if (mount.mount_point == folder && volume != key_volumes_.end()) {
                for (const auto& [name, key] : volume->second) {
                    names.push_back(name);
                }
            }
        }
        return names;
    }
    Result<std::string> bytes_of(const std::string&, std::uint64_t, std::size_t) const override {
        return ext_superblock;
    }
    Result<std::optional<DeviceContent>> content_within(const std::string& device,
                                                        const VolumeKey& key) const override {
        if (unreadable_inside.contains(device)) {
            return fail(Code::volume_unreadable, "cannot read '" + device + "'");
        }
        const auto found = inside_.find({device, std::string(key.key.reveal())});
        return found == inside_.end() ? std::optional(DeviceContent{})
                                      : std::optional(found->second);
    }

    Result<ToolResult> run(const std::vector<std::string>& command,
                           std::chrono::milliseconds) override {
        const std::string& tool = command.front();
        if (missing_tools.contains(tool)) {
            return fail(Code::restore_step_failed, "the tool '" + tool + "' is not installed here");
        }
        std::string words;
        for (const std::string& word : command) {
            words += (words.empty() ? "" : " ") + word;
        }
        commands_.push_back(words);
        if (tool == "pvs" || tool == "lvs") {
            return ToolResult{0, tool == "pvs" ? physical() : logical(), ""};
        }
        if (tool == "cryptsetup" || tool == "mount" || tool == "umount" || tool.starts_with("vg") ||
            tool == "lvchange") {
            const bool refused =
                !fail_command.empty() && words.find(fail_command) != std::string::npos;
            return change() && !refused ? act(command) : ToolResult{1, "", "made to fail"};
        }
        const auto exit = tool_exit.find(tool);
        const auto output = tool_output.find(tool);
        return ToolResult{exit == tool_exit.end() ? 0 : exit->second,
                          output == tool_output.end() ? "" : output->second, ""};
    }

    Result<std::string> replace(const std::string& path, const std::string& text) override {
        if (!change() || path == fail_replace_of) {
            return fail(Code::file_unwritable, "made to fail");
        }
        std::string copy;
        if (const auto old = files.find(path); old != files.end()) {
            copy = fmt::format("{}.stillpoint-{}", path, changes_);
            files[copy] = old->second;
        }
        files[path] = text;
        return copy;
    }
    Result<std::string> remove(const std::string& path) override {
        if (!change()) {
            return fail(Code::file_unwritable, "made to fail");
        }
        const auto old = files.find(path);
        if (old == files.end()) {
            return std::string();
        }
        std::string copy = fmt::format("{}.stillpoint-{}", path, changes_);
        files[copy] = old->second;
        files.erase(path);
        return copy;
    }
    Result<void> put_back(const std::string& path, const std::string& copy) override {
        if (fail_undo) {
            return fail(Code::file_unwritable, "made to fail");
        }
        if (copy.empty()) {
            files.erase(path);
            return {};
        }
        files[path] = files.at(copy);
        files.erase(copy);
        return {};
    }
    Result<std::string> copy_beginning(const std::string& device, std::uint64_t size,
                                       const std::string& file) override {
        if (!change()) {
            return fail(Code::file_unwritable, "made to fail");
        }
        files[file] = fmt::format("{} bytes of {}", size, device);
        return file;
    }
    Result<std::vector<std::string>> make_folder(const std::string& path) override {
        if (folders_.contains(path) || path == "/etc" || path.empty()) {
            return std::vector<std::string>();
        }
        if (!change()) {
            return fail(Code::file_unwritable, "made to fail");
        }
        folders_.insert(path);
        return std::vector<std::string>{path};
    }
    Result<void> remove_folder(const std::string& path) override {
        folders_.erase(path);
        return {};
    }

    // --- EncryptionHeaders

    Result<std::optional<EncryptionHeader>> read(const VolumePlace& place) const override {
        const auto found = headers_.find(place.path);
        return found == headers_.end() ? std::optional<EncryptionHeader>()
                                       : std::optional(found->second.first);
    }
    Result<int> try_key(const VolumePlace& place, KeyKind kind, const Secret& key) const override {
        const Result<VolumeKey> unlocked = unlock(place, kind, key);
        return unlocked || unlocked.error().code() == Code::encryption_unsupported
                   ? Result<int>(0)
                   : unlocked.error();
    }
    Result<VolumeKey> unlock(const VolumePlace& place, KeyKind, const Secret& key) const override {
        const auto found = headers_.find(place.path);
        if (found == headers_.end() || found->second.second != key.reveal()) {
            return fail(Code::key_mismatch,
                        fmt::format("no keyslot of '{}' is opened by the key", place.path));
        }
        if (found->second.first.reencrypting) {
            return fail(Code::encryption_unsupported, "it is encrypted half-way");
        }
        return VolumeKey{.key = Secret(std::string(key.reveal())), .cipher = "aes-xts-plain64"};
    }

private:
    std::vector<RestoreDevice> all() const {
        std::vector<RestoreDevice> devices = disks_;
        devices.insert(devices.end(), mapped_.begin(), mapped_.end());
        for (const Group& group : groups_) {
            for (std::size_t at = 0; group.active && at < group.volumes.size(); ++at) {
                const auto& [name, content] = group.volumes[at];
                RestoreDevice device;
                device.block.kind = BlockKind::dm_lvm;
                device.block.name = "dm-" + group.name + name;
                device.block.dm_name = group.name + "-" + name;
                device.block.dm_uuid = "LVM-" + group.uuid + "lv" + name;
                std::erase(device.block.dm_uuid, '-');
                device.block.dm_uuid.insert(3, "-");
                device.block.number = {254, static_cast<unsigned>(at + 1)};
                device.block.size_bytes = 1 << 20;
                for (const RestoreDevice& one : members(group)) {
                    device.block.below.push_back(one.block.name);
                }
                device.path = "/dev/mapper/" + device.block.dm_name;
                device.links = {"/dev/" + group.name + "/" + name};
                device.content = content;
                devices.push_back(device);
            }
        }
        return devices;
    }

    std::vector<RestoreDevice> members(const Group& group) const {
        std::vector<RestoreDevice> found;
        for (const auto* list : {&disks_, &mapped_}) {
            for (const RestoreDevice& device : *list) {
                if (std::ranges::find(group.members, device.content.uuid) != group.members.end()) {
                    found.push_back(device);
                }
            }
        }
        return found;
    }

    mutable std::vector<RestoreDevice> looked_;
    const RestoreDevice* find(const std::string& path) const {
        looked_ = all();
        for (const RestoreDevice& device : looked_) {
            if (device.path == path ||
                std::ranges::find(device.links, path) != device.links.end()) {
                return &device;
            }
        }
        return nullptr;
    }

    bool change() {
        ++changes_;
        return changes_ != fail_change;
    }

    std::string physical() const {
        std::string rows;
        for (const Group& group : groups_) {
            for (const RestoreDevice& device : members(group)) {
                rows += fmt::format(
                    R"({}{{"vg_name":"{}","vg_uuid":"{}","pv_name":"{}","vg_missing_pv_count":"{}"}})",
                    rows.empty() ? "" : ",", group.name, group.uuid, device.path,
                    group.members.size() - members(group).size());
            }
        }
        return R"({"report":[{"pv":[)" + rows + "]}]}";
    }

    std::string logical() const {
        std::string rows;
        for (const Group& group : groups_) {
            for (const auto& [name, content] : group.volumes) {
                if (!members(group).empty()) {
                    rows += fmt::format(
                        R"({}{{"vg_uuid":"{}","lv_name":"{}","lv_uuid":"lv{}","lv_attr":"-wi-------"}})",
                        rows.empty() ? "" : ",", group.uuid, name, name);
                }
            }
        }
        return R"({"report":[{"lv":[)" + rows + "]}]}";
    }

    ToolResult refused(const std::string& why) const { return {1, "", why}; }

    ToolResult act(const std::vector<std::string>& command) {
        const auto value_of = [&](const std::string& option) {
            const auto found = std::ranges::find(command, option);
            return found == command.end() ? std::string() : *std::next(found);
        };
        const auto has = [&](const std::string& word) {
            return std::ranges::find(command, word) != command.end();
        };
        const std::string& last = command.back();
        if (command.front() == "mount") {
            const std::string& source = command[command.size() - 2];
            if (find(source) == nullptr || !folders_.contains(last)) {
                return refused("no such device or folder");
            }
            if (std::ranges::find(mounts_, last, &Mount::mount_point) != mounts_.end()) {
                return refused("already mounted");
            }
            ++next_;
            add_mount(source, last);
            return {};
        }
        if (command.front() == "umount") {
            if (std::ranges::any_of(mounts_, [&](const Mount& inner) {
                    return inner.mount_point.starts_with(last + "/");
                })) {
                return refused("target is busy");
            }
            return std::erase_if(mounts_, [&](const Mount& m) { return m.mount_point == last; }) > 0
                       ? ToolResult{}
                       : refused("not mounted");
        }
        if (command.front() == "cryptsetup" && has("open")) {
            const auto number = [&](const std::string& option) {
                const std::string value = value_of(option);
                return value.empty() ? 0 : std::stoul(value);
            };
            return open(command[command.size() - 2], last, value_of("--header"),
                        value_of("--key-file"),
                        {.offset = number("--keyfile-offset"), .size = number("--keyfile-size")});
        }
        if (command.front() == "cryptsetup" && has("close")) {
            if (std::ranges::any_of(mounts_, [&](const Mount& mount) {
                    return mount.source == "/dev/mapper/" + last;
                })) {
                return refused("in use");
            }
            if (std::ranges::any_of(all(), [&](const RestoreDevice& device) {
                    return std::ranges::find(device.block.below, "dm-" + last) !=
                           device.block.below.end();
                })) {
                return refused("in use by what stands on it");
            }
            return std::erase_if(mapped_, [&](const auto& m) { return m.block.dm_name == last; }) >
                           0
                       ? ToolResult{}
                       : refused("not open");
        }
        if (command.front() == "cryptsetup" && has("repair")) {
            headers_.at(last).first.state = HeaderState::sound;
            return {};
        }
        if (command.front() == "vgchange") {
            return activate(last, command[1] == "-ay");
        }
        if (command.front() == "lvchange") {
            // "/dev/group/volume"; one that is not there is no fault.
            return activate(last.substr(5, last.rfind('/') - 5), false);
        }
        return rename_group(command);
    }

    ToolResult open(const std::string& device, const std::string& name, const std::string& header,
                    const std::string& key_file, const KeyPart& part) {
        const auto key = read_key(key_file);
        const auto found = headers_.find(header.empty() ? device : header);
        if (!key || !*key || found == headers_.end() ||
            found->second.second != part_of((*key)->reveal(), part) ||
            find("/dev/mapper/" + name) != nullptr) {
            return refused("no key available with this passphrase");
        }
        const RestoreDevice* below = find(device);
        RestoreDevice mapped;
        mapped.block.kind = BlockKind::dm_crypt;
        mapped.block.name = "dm-" + name;
        mapped.block.dm_name = name;
        std::string uuid = found->second.first.uuid;
        std::erase(uuid, '-');
        mapped.block.dm_uuid = "CRYPT-LUKS2-" + uuid + "-" + name;
        mapped.block.number = {253, next_++};
        mapped.block.size_bytes = below->block.size_bytes;
        mapped.block.below = {below->block.name};
        mapped.path = "/dev/mapper/" + name;
        mapped.content = inside_[{device, found->second.second}];
        mapped_.push_back(mapped);
        for (Group& group : groups_) {
            const bool its =
                std::ranges::find(group.members, mapped.content.uuid) != group.members.end();
            group.active = group.active || (auto_activation && its);
        }
        return {};
    }

    ToolResult activate(const std::string& name, bool active) {
        for (Group& group : groups_) {
            if (group.name == name) {
                group.active = active;
                return {};
            }
        }
        return refused("no such group");
    }

    ToolResult rename_group(const std::vector<std::string>& command) {
        if (command.front() == "vgimportclone") {
            Group copy = groups_.front();
            copy.name = command[2];
            copy.uuid += "copy";
            copy.active = false;
            copy.members.clear();
            for (std::size_t at = 3; at < command.size(); ++at) {
                for (RestoreDevice& device : mapped_) {
                    if (device.path == command[at]) {
                        device.content.uuid += "copy";
                        copy.members.push_back(device.content.uuid);
                    }
                }
            }
            groups_.push_back(copy);
            return {};
        }
        for (Group& group : groups_) {
            if (group.uuid == command[1] || group.name == command[1]) {
                group.name = command[2];
                return {};
            }
        }
        return refused("no such group");
    }

    std::vector<RestoreDevice> disks_;
    std::vector<RestoreDevice> mapped_;
    std::vector<Mount> mounts_;
    std::vector<Group> groups_;
    std::set<std::string> folders_;
    std::map<std::string, std::pair<EncryptionHeader, std::string>> headers_;
    std::map<std::pair<std::string, std::string>, DeviceContent> inside_;
    std::map<std::string, std::map<std::string, std::string>> key_volumes_;
    std::map<std::string, std::map<std::string, std::string>> files_inside_;
    std::vector<std::string> commands_;
    unsigned next_ = 1;
    int changes_ = 0;
};

}  // namespace stillpoint::testing
