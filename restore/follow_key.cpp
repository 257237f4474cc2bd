// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <set>

#include "base/format.h"
#include "restore/choice.h"
#include "restore/volume_keys.h"

namespace stillpoint {
namespace {

std::string header_uuid(const RestoreFacts& facts, const std::string& device) {
    const auto header = facts.headers.find(device);
    return header == facts.headers.end() ? "" : lower_case(header->second.uuid);
}

/// The headers that the volume's own key opens, but for those which a line, the passport or the
/// person gives to others.
std::set<std::string> opened_with_its_key(const WantedVolume& volume, const RestoreFacts& facts,
                                          const RestoreChoices& choices) {
    std::set<std::string> headers;
    for (const Proof& proof : facts.proofs) {
        if (proof.header_file.empty() && proof.key && owner_of(*proof.key, facts) == volume.name) {
            headers.insert(header_uuid(facts, proof.device));
        }
    }
    for (const WantedVolume& other : wanted_volumes(facts)) {
        if (other.name != volume.name) {
            headers.erase(uuid_of(other));
        }
    }
    for (const auto& [name, path] : choices.devices) {
        const RestoreDevice* device = device_at(facts, path);
        headers.erase(device == nullptr ? "" : header_uuid(facts, device->path));
    }
    headers.erase("");
    return headers;
}

/// The line names a key that stands for this volume alone, so that another one does not do.
bool has_own_key(const WantedVolume& volume, const RestoreFacts& facts) {
    return std::ranges::any_of(keys_on_volumes(facts), [&](const KeyFile& key) {
        return owner_of(key, facts) == volume.name;
    });
}

}  // namespace

void follow_key(const WantedVolume& volume, const RestoreFacts& facts,
                const RestoreChoices& choices, Candidates& candidates,
                std::vector<std::string>& findings) {
    const RestoreDevice* mapped = opened_as(facts, volume.name);
    const RestoreDevice* named = device_named(facts, volume.device());
    const bool in_place = mapped != nullptr && named != nullptr && below(facts, *mapped) == named;
    if (!is_told_by_place(volume) || in_place || choices.devices.contains(volume.name) ||
        (candidates.none && candidates.none->code == Code::volume_ambiguous)) {
        return;
    }
    const Proof* there = candidates.devices.empty()
                             ? nullptr
                             : proof_of(facts, candidates.devices.front()->path, "");
    const bool opens = there != nullptr && there->key;
    const std::string owner = opens ? owner_of(*there->key, facts) : "";
    if (owner == volume.name) {
        return;
    }
    const std::set<std::string> headers = opened_with_its_key(volume, facts, choices);
    if (headers.size() == 1) {
        candidates = with_header_uuid(volume, facts, *headers.begin());
        candidates.told_by_key = *headers.begin();
        if (!candidates.none) {
            findings.push_back(
                fmt::format("its own key tells that '{}' is '{}' now: its line names '{}'",
                            volume.name, candidates.devices.front()->path, volume.device()));
        }
    } else if (opens && mapped == nullptr && (!owner.empty() || has_own_key(volume, facts))) {
        candidates.none = {
            volume.name, Code::volume_ambiguous,
            fmt::format("'{}', which its line names, does not open with its own key but with "
                        "'{}': the disks may have changed places; say which one is meant with "
                        "--device {}=PATH",
                        there->device, there->key->name, volume.name),
            Permission::none, ""};
    }
}

}  // namespace stillpoint
