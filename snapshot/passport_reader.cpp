// SPDX-License-Identifier: Apache-2.0
#include "encryption/survey_fields.h"
#include "snapshot/passport.h"
#include "snapshot/passport_words.h"

namespace stillpoint {

// Found by the reader, so not in the unnamed namespace.

static void read_number(RecordReader& fields, const char* name, DeviceNumber& one) {
    std::string text;
    fields.need(name, text);
    if (const std::optional<DeviceNumber> number = parse_device_number(text)) {
        one = *number;
    } else if (!text.empty()) {
        fields.wrong(name, "is no device number");
    }
}

static void describe(RecordReader& fields, BlockDevice& one) {
    fields.need("name", one.name);
    read_number(fields, "number", one.number);
    fields.need("kind", one.kind);
    fields("bytes", one.size_bytes);
    fields("disk", one.disk);
    fields("below", one.below);
    fields("mapped_name", one.dm_name);
    fields("mapped_uuid", one.dm_uuid);
    fields("backing_file", one.backing_file);
    if (fields.has("lun")) {
        fields("lun", one.place.lun.emplace());
    }
    fields("resource_disk", one.place.resource_disk);
    fields("local", one.place.local);
    fields("remote", one.place.remote);
}

static void describe(RecordReader& fields, BtrfsFilesystem& one) {
    fields.need("uuid", one.uuid);
    fields("devices", one.devices);
}

static void describe(RecordReader& fields, Mount& one) {
    bool own_namespace = true;
    fields.need("mount_point", one.mount_point);
    read_number(fields, "device", one.device);
    fields("root", one.root);
    fields("type", one.type);
    fields("source", one.source);
    fields("own_namespace", own_namespace);
    one.namespace_pid = own_namespace ? 0 : 1;
}

static void describe(RecordReader& fields, Passport& one) {
    int format = 0;
    fields.need("format", format);
    if (format != kPassportFormat && format != 0) {
        fields.wrong("format", "is one that this version does not know");
    }
    std::int64_t milliseconds = 0;
    fields("agent", one.agent_version);
    fields.need("machine", one.machine_identity);
    fields("task", one.task_id);
    fields("nonce", one.nonce);
    fields("milliseconds_since_1970", milliseconds);
    one.time = WallTime(std::chrono::milliseconds(milliseconds));
    fields("snapshotted_disks", one.disks);
    fields.need("devices", one.inventory.devices);
    fields("btrfs", one.inventory.btrfs);
    fields.need("mounts", one.inventory.mounts);
    fields("gaps", one.inventory.gaps);
    fields("product_uuid", one.product_uuid);
    fields("encryption", one.encryption);
    one.surveyed = fields.has("encryption");
}

Result<Passport> parse_passport(std::string_view text) {
    const Result<Json> parsed = parse_json(text, Code::passport_malformed, "the passport");
    if (!parsed) {
        return parsed.error();
    }
    Passport passport;
    std::string problem;
    RecordReader::read(*parsed, "passport", passport, problem);
    if (!problem.empty()) {
        return fail(Code::passport_malformed, "the passport cannot be understood: " + problem);
    }
    return passport;
}

}  // namespace stillpoint
