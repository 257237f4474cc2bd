// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <set>

#include "restore/choice.h"
#include "restore/volume_keys.h"

namespace stillpoint {

const Proof* proof_of(const RestoreFacts& facts, const std::string& device,
                      const std::string& header_file) {
    for (const Proof& proof : facts.proofs) {
        if (proof.device == device && proof.header_file == header_file) {
            return &proof;
        }
    }
    return nullptr;
}

std::vector<const RestoreDevice*> unknown_volumes(const RestoreFacts& facts,
                                                  const RestoreChoices& choices) {
    std::set<std::string> known;
    std::set<const RestoreDevice*> claimed;
    for (const WantedVolume& volume : wanted_volumes(facts)) {
        known.insert(uuid_of(volume));
        claimed.insert(device_named(facts, volume.device()));
        const Candidates candidates = candidates_for(volume, facts, choices);
        claimed.insert(candidates.devices.begin(), candidates.devices.end());
    }
    for (const RestoreDevice* device : claimed) {
        const auto header =
            device != nullptr ? facts.headers.find(device->path) : facts.headers.end();
        if (header != facts.headers.end()) {
            known.insert(lower_case(header->second.uuid));
        }
    }
    std::vector<const RestoreDevice*> unknown;
    for (const RestoreDevice& device : facts.devices) {
        const auto header = facts.headers.find(device.path);
        if (header != facts.headers.end() &&
            (header->second.format == EncryptionFormat::luks1 ||
             header->second.format == EncryptionFormat::luks2) &&
            header->second.state != HeaderState::damaged &&
            !known.contains(lower_case(header->second.uuid)) && above(facts, device).empty()) {
            unknown.push_back(&device);
        }
    }
    return unknown;
}

std::vector<ProofWanted> proofs_wanted(const RestoreFacts& facts, const RestoreChoices& choices) {
    std::vector<ProofWanted> wanted;
    for (const WantedVolume& volume : wanted_volumes(facts)) {
        if (is_left_closed(volume, facts, choices)) {
            continue;
        }
        if (const RestoreDevice* mapped = opened_as(facts, volume.name)) {
            const RestoreDevice* device = below(facts, *mapped);
            // Its place, or else its key, has to tell that this is the right one.
            const bool moved =
                is_told_by_place(volume) && device_named(facts, volume.device()) != device;
            if (device != nullptr && (moved || names_lost_key(volume, keys_on_volumes(facts)))) {
                const std::string header = volume.header_file();
                wanted.push_back({device->path, header.empty() ? "" : under_root(facts, header),
                                  keys_for(volume, facts)});
            }
            if (!moved) {
                continue;
            }
        }
        const Candidates candidates = candidates_for(volume, facts, choices);
        for (const RestoreDevice* device : candidates.devices) {
            wanted.push_back({device->path, candidates.header_file, keys_for(volume, facts)});
        }
    }
    for (const RestoreDevice* device : unknown_volumes(facts, choices)) {
        if (std::vector<KeyFile> keys = keys_on_volumes(facts); !keys.empty()) {
            wanted.push_back({device->path, "", std::move(keys)});
        }
    }
    return wanted;
}

}  // namespace stillpoint
