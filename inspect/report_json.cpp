// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "inspect/names.h"
#include "inspect/report.h"

namespace stillpoint {
namespace {

using Json = nlohmann::ordered_json;

Json filesystem_json(const FilesystemState& state) {
    Json facts = Json::object();
    for (const auto& [name, value] : state.facts) {
        facts[name] = value;
    }
    return {{"type", state.type},
            {"uuid", state.uuid},
            {"label", state.label},
            {"size_bytes", state.size_bytes},
            {"verdict", name_of(state.verdict)},
            {"why", state.sentence},
            {"facts", facts}};
}

Json content_json(const VolumeReport& volume) {
    if (!volume.content) {
        return nullptr;
    }
    Json json = {{"kind", name_of(volume.content->kind)},
                 {"name", volume.content->name},
                 {"filesystem", nullptr}};
    if (volume.content->filesystem) {
        json["filesystem"] = filesystem_json(*volume.content->filesystem);
    }
    return json;
}

Json encryption_json(const VolumeReport& volume) {
    if (!volume.encryption) {
        return nullptr;
    }
    const EncryptionHeader& header = *volume.encryption;
    Json json = {{"format", word_of(header.format)},
                 {"state", word_of(header.state)},
                 {"problem", header.problem},
                 {"detached_header", volume.detached_header},
                 {"uuid", header.uuid},
                 {"label", header.label},
                 {"cipher", header.cipher},
                 {"key_bits", header.key_bits},
                 {"sector_bytes", header.sector_bytes},
                 {"payload_offset_bytes", header.payload_offset_bytes},
                 {"reencrypting", header.reencrypting},
                 {"header_sha256", header.digests.header},
                 {"keyslots_sha256", header.digests.keyslots}};
    json["keyslots"] = Json::array();
    for (const Keyslot& slot : header.keyslots) {
        json["keyslots"].push_back(
            {{"number", slot.number}, {"kind", slot.kind}, {"bound", slot.bound}});
    }
    json["tokens"] = Json::array();
    for (const KeyToken& token : header.tokens) {
        json["tokens"].push_back(
            {{"number", token.number}, {"type", token.type}, {"keyslots", token.keyslots}});
    }
    json["keys"] = Json::array();
    for (const KeyTrial& trial : volume.keys) {
        json["keys"].push_back({{"key", trial.key},
                                {"opens", trial.keyslot.has_value()},
                                {"keyslot", trial.keyslot ? Json(*trial.keyslot) : Json(nullptr)},
                                {"problem", trial.problem}});
    }
    json["opened"] = volume.opened;
    return json;
}

Json volume_json(const VolumeReport& volume) {
    const Partition& partition = volume.partition;
    return {{"partition", partition.number == 0 ? Json(nullptr) : Json(partition.number)},
            {"offset_bytes", partition.offset_bytes},
            {"size_bytes", partition.size_bytes},
            {"type", partition.type},
            {"type_name", partition_type_name(partition.type)},
            {"name", partition.name},
            {"uuid", partition.uuid},
            {"problem", volume.problem},
            {"encryption", encryption_json(volume)},
            {"content", content_json(volume)},
            {"not_looked_at", volume.not_looked_at}};
}

}  // namespace

std::string report_json(const ImageReport& report) {
    const std::vector<std::string> problems = problems_of(report);
    Json json = {{"image", report.path},
                 {"form", name_of(report.form.kind)},
                 {"image_bytes", report.image_bytes},
                 {"disk_bytes", report.form.disk_bytes},
                 {"vhd_uuid", report.form.uuid},
                 {"partition_table", nullptr}};
    if (report.table) {
        json["partition_table"] = {{"type", report.table->type}, {"uuid", report.table->uuid}};
    }
    json["volumes"] = Json::array();
    for (const VolumeReport& volume : report.volumes) {
        json["volumes"].push_back(volume_json(volume));
    }
    json["good"] = problems.empty();
    json["problems"] = problems;
    json["gaps"] = gaps_of(report);
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace stillpoint
