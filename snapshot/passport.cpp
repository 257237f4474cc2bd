// SPDX-License-Identifier: Apache-2.0
#include "snapshot/passport.h"

#include <nlohmann/json.hpp>

namespace stillpoint {
namespace {

using Json = nlohmann::ordered_json;

std::string_view name_of(BlockKind kind) {
    switch (kind) {
        case BlockKind::disk:
            return "disk";
        case BlockKind::partition:
            return "partition";
        case BlockKind::dm_crypt:
            return "crypt";
        case BlockKind::dm_lvm:
            return "lvm";
        case BlockKind::dm_multipath:
            return "multipath";
        case BlockKind::dm_other:
            return "mapped";
        case BlockKind::md:
            return "raid";
        case BlockKind::loop:
            return "loop";
        case BlockKind::other:
            return "other";
    }
    return "other";
}

Json describe(const BlockDevice& device) {
    Json json = {{"name", device.name},          {"number", to_string(device.number)},
                 {"kind", name_of(device.kind)}, {"bytes", device.size_bytes},
                 {"disk", device.disk},          {"below", device.below}};
    const auto add_text = [&](const char* key, const std::string& text) {
        if (!text.empty()) {
            json[key] = text;
        }
    };
    add_text("mapped_name", device.dm_name);
    add_text("mapped_uuid", device.dm_uuid);
    add_text("backing_file", device.backing_file);
    if (device.place.lun) {
        json["lun"] = *device.place.lun;
    }
    for (const auto& [key, is] :
         {std::pair("resource_disk", device.place.resource_disk),
          std::pair("local", device.place.local), std::pair("remote", device.place.remote)}) {
        if (is) {
            json[key] = true;
        }
    }
    return json;
}

Json describe(const Mount& mount) {
    // The options stay out: those of network filesystems may hold passwords.
    return {{"mount_point", mount.mount_point},
            {"device", to_string(mount.device)},
            {"root", mount.root},
            {"type", mount.type},
            {"source", mount.source},
            {"own_namespace", mount.namespace_pid == 0}};
}

template <class Item>
std::string lines_of(const std::vector<Item>& items) {
    std::string text = "[";
    for (const Item& item : items) {
        text += text.size() == 1 ? "\n    " : ",\n    ";
        text += describe(item).dump(-1, ' ', true, Json::error_handler_t::replace);
    }
    return text + (items.empty() ? "]" : "\n  ]");
}

std::string text_of(const Json& value) {
    return value.dump(-1, ' ', true, Json::error_handler_t::replace);
}

}  // namespace

std::string render_passport(const Passport& passport) {
    std::string text = "{\n";
    const auto add = [&](const char* key, const std::string& json, bool last = false) {
        text += "  " + text_of(key) + ": " + json + (last ? "\n" : ",\n");
    };
    add("format", std::to_string(kPassportFormat));
    add("agent", text_of(passport.agent_version));
    add("machine", text_of(passport.machine_identity));
    add("task", text_of(passport.task_id));
    add("nonce", text_of(passport.nonce));
    add("milliseconds_since_1970", std::to_string(passport.time.time_since_epoch().count()));
    add("snapshotted_disks", text_of(passport.disks));
    add("devices", lines_of(passport.inventory.devices));
    Json btrfs = Json::array();
    for (const BtrfsFilesystem& one : passport.inventory.btrfs) {
        btrfs.push_back({{"uuid", one.uuid}, {"devices", one.devices}});
    }
    add("btrfs", text_of(btrfs));
    add("mounts", lines_of(passport.inventory.mounts));
    add("gaps", text_of(passport.inventory.gaps), true);
    return text + "}\n";
}

Result<void> write_passport(FileStore& folder, const Passport& passport) {
    return folder.replace(kPassportFile, render_passport(passport));
}

}  // namespace stillpoint
