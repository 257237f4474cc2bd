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

/// The headers that this key opens, but for those which a line or the passport gives to others.
std::set<std::string> opened_with(const std::string& key, const WantedVolume& volume,
                                  const RestoreFacts& facts) {
    std::set<std::string> headers;
    for (const Proof& proof : facts.proofs) {
        if (proof.header_file.empty() && proof.key && proof.key->name == key) {
            headers.insert(header_uuid(facts, proof.device));
        }
    }
    for (const WantedVolume& other : wanted_volumes(facts)) {
        if (other.name != volume.name) {
            headers.erase(uuid_of(other));
        }
    }
    headers.erase("");
    return headers;
}

}  // namespace

void follow_key(const WantedVolume& volume, const RestoreFacts& facts,
                const RestoreChoices& choices, Candidates& candidates,
                std::vector<std::string>& findings) {
    const std::string own = key_by_place(volume, facts);
    if (own.empty() || choices.devices.contains(volume.name) ||
        (candidates.none && candidates.none->code == Code::volume_ambiguous)) {
        return;
    }
    const Proof* there = candidates.devices.empty()
                             ? nullptr
                             : proof_of(facts, candidates.devices.front()->path, "");
    if (there != nullptr && there->key && there->key->name == own) {
        return;
    }
    const std::set<std::string> headers = tells_the_device(own, volume, facts)
                                              ? opened_with(own, volume, facts)
                                              : std::set<std::string>();
    if (headers.size() == 1) {
        candidates = with_header_uuid(volume, facts, *headers.begin());
        if (!candidates.none) {
            findings.push_back(
                fmt::format("its own key tells that '{}' is '{}' now: its line names '{}'",
                            volume.name, candidates.devices.front()->path, volume.device()));
        }
    } else if (there != nullptr && there->key && opened_as(facts, volume.name) == nullptr) {
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
