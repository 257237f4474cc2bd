// SPDX-License-Identifier: Apache-2.0
#include "snapshot/passport.h"

#include <algorithm>

#include "encryption/survey_json.h"
#include "snapshot/passport_words.h"

namespace stillpoint {
namespace {

Json describe(const BlockDevice& device) {
    Json json = {{"name", device.name},
                 {"number", to_string(device.number)},
                 {"kind", RecordWriter::write(device.kind)},
                 {"bytes", device.size_bytes},
                 {"disk", device.disk},
                 {"below", device.below}};
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
    add("gaps", text_of(passport.inventory.gaps));
    add("product_uuid", text_of(passport.product_uuid));
    add("encryption", passport.surveyed ? render_survey(passport.encryption, 2) : "null", true);
    return text + "}\n";
}

bool belongs_into_boot(const Passport& passport) {
    const auto is_encrypted = [&](std::string_view mount_point) {
        return std::ranges::any_of(passport.encryption.volumes, [&](const EncryptedVolume& volume) {
            return std::ranges::find(volume.mounts, mount_point, &EncryptedMount::mount_point) !=
                   volume.mounts.end();
        });
    };
    const Mount* boot = nullptr;
    for (const Mount& mount : passport.inventory.mounts) {
        if (mount.namespace_pid == 0 && mount.mount_point == "/boot") {
            boot = &mount;  // of several the last one is on top
        }
    }
    const auto is_read_only = [](std::string_view options) {
        return options == "ro" || options.starts_with("ro,");
    };
    return boot != nullptr && boot->device.major != 0 && !is_read_only(boot->options) &&
           !is_read_only(boot->super_options) && is_encrypted("/") && !is_encrypted("/boot");
}

Result<Passport> read_passport(const FileStore& folder, std::string_view name) {
    const Result<std::string> text = folder.read(name, kMostPassportBytes);
    return text ? parse_passport(*text) : Result<Passport>(text.error());
}

Result<void> write_passport(FileStore& folder, const Passport& passport) {
    return folder.replace(kPassportFile, render_passport(passport));
}

}  // namespace stillpoint
