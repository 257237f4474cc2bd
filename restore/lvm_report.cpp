// SPDX-License-Identifier: Apache-2.0
#include "restore/lvm_report.h"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace stillpoint {
namespace {

using Json = nlohmann::json;

/// The rows below "report", whatever LVM calls their kind.
std::vector<Json> rows_of(std::string_view text) {
    std::vector<Json> rows;
    const Json json = Json::parse(text, nullptr, false);
    if (!json.is_object() || !json.contains("report") || !json["report"].is_array()) {
        return rows;
    }
    for (const Json& report : json["report"]) {
        if (!report.is_object()) {
            continue;
        }
        for (const auto& [kind, list] : report.items()) {
            if (list.is_array()) {
                std::ranges::copy_if(list, std::back_inserter(rows),
                                     [](const Json& row) { return row.is_object(); });
            }
        }
    }
    return rows;
}

std::string text_of(const Json& row, const char* key) {
    const auto found = row.find(key);
    return found != row.end() && found->is_string() ? found->get<std::string>() : "";
}

std::string without_dashes(std::string text) {
    std::erase(text, '-');
    return text;
}

/// Volumes that are not activated by themselves: pools, and snapshots that ask for it.
/// Source: lvs(8), "Notes" on lv_attr.
bool activates(const std::string& attributes) {
    constexpr std::string_view kPools = "tdD";
    constexpr std::size_t kSkipAt = 9;
    return !attributes.empty() && kPools.find(attributes.front()) == std::string_view::npos &&
           (attributes.size() <= kSkipAt || attributes[kSkipAt] != 'k');
}

bool is_active(const std::string& uuid, const std::vector<RestoreDevice>& devices) {
    return std::ranges::any_of(devices, [&](const RestoreDevice& device) {
        return device.block.dm_uuid.starts_with(uuid);
    });
}

}  // namespace

std::vector<std::string> lvm_physical_command() {
    return {"pvs",  "--readonly", "--reportformat",
            "json", "-o",         "vg_name,vg_uuid,pv_name,vg_missing_pv_count"};
}

std::vector<std::string> lvm_logical_command() {
    return {"lvs", "--readonly", "--reportformat", "json", "-o", "vg_uuid,lv_name,lv_uuid,lv_attr"};
}

std::vector<VolumeGroup> parse_lvm_report(std::string_view physical, std::string_view logical,
                                          const std::vector<RestoreDevice>& devices) {
    std::vector<VolumeGroup> groups;
    for (const Json& row : rows_of(physical)) {
        const std::string uuid = text_of(row, "vg_uuid");
        if (uuid.empty()) {
            continue;  // a physical volume of no group
        }
        auto group = std::ranges::find(groups, uuid, &VolumeGroup::uuid);
        if (group == groups.end()) {
            groups.push_back({.name = text_of(row, "vg_name"), .uuid = uuid});
            group = std::prev(groups.end());
        }
        if (const std::string path = text_of(row, "pv_name"); path.starts_with('/')) {
            group->devices.push_back(path);
        }
        const std::string missing = text_of(row, "vg_missing_pv_count");
        group->incomplete = group->incomplete || (!missing.empty() && missing != "0");
    }
    for (const Json& row : rows_of(logical)) {
        const auto group = std::ranges::find(groups, text_of(row, "vg_uuid"), &VolumeGroup::uuid);
        const std::string name = text_of(row, "lv_name");
        if (group == groups.end() || name.empty()) {
            continue;
        }
        group->volumes.push_back(name);
        const std::string mapping =
            "LVM-" + without_dashes(group->uuid) + without_dashes(text_of(row, "lv_uuid"));
        if (activates(text_of(row, "lv_attr")) && !is_active(mapping, devices)) {
            group->inactive.push_back(name);
        }
    }
    return groups;
}

}  // namespace stillpoint
