// SPDX-License-Identifier: Apache-2.0
#include "restore/choice.h"

#include <algorithm>

#include "base/format.h"
#include "restore/volume_keys.h"

namespace stillpoint {
namespace {

/// The kernel keeps the header's UUID, without dashes, in the mapping's own:
/// "CRYPT-LUKS2-0123...-name".
bool is_of(const RestoreDevice& mapped, std::string uuid) {
    std::erase(uuid, '-');
    return mapped.block.dm_uuid.find("-" + uuid + "-") != std::string::npos;
}

/// Whether this is what the passport saw inside; anything at all, where it saw nothing.
bool fits(const WantedVolume& volume, const DeviceContent& content) {
    if (content.type.empty()) {
        return false;
    }
    if (volume.recorded == nullptr) {
        return true;
    }
    if (!volume.recorded->volume_groups.empty()) {
        return content.type == "LVM2_member";
    }
    bool known = false;
    for (const EncryptedMount& mount : volume.recorded->mounts) {
        known = known || !mount.uuid.empty();
        if (!mount.uuid.empty() && mount.uuid == content.uuid) {
            return true;
        }
    }
    return !known;
}

/// A filesystem that the passport knows by its UUID.
bool proves(const WantedVolume& volume, const DeviceContent& content) {
    return volume.recorded != nullptr && !content.uuid.empty() &&
           std::ranges::find(volume.recorded->mounts, content.uuid, &EncryptedMount::uuid) !=
               volume.recorded->mounts.end();
}

class Chooser {
public:
    Chooser(const RestoreFacts& facts, const RestoreChoices& choices)
        : facts_(facts), choices_(choices) {}

    ChosenVolume choose(WantedVolume wanted) const {
        ChosenVolume chosen;
        chosen.wanted = std::move(wanted);
        Candidates candidates = candidates_for(chosen.wanted, facts_, choices_);
        follow_key(chosen.wanted, facts_, choices_, candidates, chosen.findings);
        chosen.told_by_key = candidates.told_by_key;
        if (const RestoreDevice* mapped = opened_as(facts_, chosen.wanted.name)) {
            take_open(chosen, *mapped, candidates);
            return chosen;
        }
        chosen.header_file = candidates.header_file;
        if (candidates.none) {
            chosen.left = candidates.none;
        } else {
            decide(chosen, candidates);
        }
        return chosen;
    }

private:
    /// Open under its name: but is it this volume, and not its original beside the copy?
    void take_open(ChosenVolume& chosen, const RestoreDevice& mapped,
                   const Candidates& candidates) const {
        const WantedVolume& wanted = chosen.wanted;
        const RestoreDevice* device = below(facts_, mapped);
        if (const std::string why = doubt(wanted, mapped, device, candidates); !why.empty()) {
            chosen.left = {
                wanted.name, Code::volume_ambiguous,
                fmt::format("'{}' is open on '{}', {}: unmount what is on it, close it "
                            "with 'cryptsetup close {}', and start this again",
                            wanted.name, device != nullptr ? device->path : "?", why, wanted.name),
                Permission::none, ""};
            // Its line has to name the right device all the same.
            if (candidates.devices.size() == 1 && !candidates.needs_content) {
                chosen.device = candidates.devices.front();
            }
            return;
        }
        chosen.device = device;
        if (!wanted.header_file().empty()) {
            chosen.header_file = under_root(facts_, wanted.header_file());
        }
        chosen.mapped = &mapped;
        chosen.content = mapped.content;
        // Only then was a key looked for on its behalf.
        const bool lost = names_lost_key(wanted, keys_on_volumes(facts_));
        const Proof* proof = device != nullptr && lost
                                 ? proof_of(facts_, device->path, chosen.header_file)
                                 : nullptr;
        if (proof != nullptr) {
            chosen.key = proof->key;
        }
    }

    /// Why what is open may not be what is wanted; empty: it is.
    std::string doubt(const WantedVolume& wanted, const RestoreDevice& mapped,
                      const RestoreDevice* device, const Candidates& candidates) const {
        const auto choice = choices_.devices.find(wanted.name);
        if (choice != choices_.devices.end()) {
            return device != nullptr && device_at(facts_, choice->second) == device
                       ? ""
                       : fmt::format("and --device names '{}'", choice->second);
        }
        if (candidates.none && candidates.none->code == Code::volume_ambiguous) {
            return "and " + candidates.none->why;
        }
        if (proves(wanted, mapped.content)) {
            return "";
        }
        const std::string uuid = uuid_of(wanted);
        if (!uuid.empty() && !is_of(mapped, uuid)) {
            return fmt::format("which is not the device with the encryption header {}", uuid);
        }
        // A line that names a device by its place: the mapping may be another machine's.
        if (uuid.empty() && wanted.header_file().empty() && !candidates.devices.empty() &&
            std::ranges::find(candidates.devices, device) == candidates.devices.end()) {
            return fmt::format("and its line means '{}'", candidates.devices.front()->path);
        }
        // A header in a file does not tell the device, but what is inside does.
        return wanted.header_file().empty() || fits(wanted, mapped.content)
                   ? ""
                   : "which does not show inside what it had";
    }

    void decide(ChosenVolume& chosen, const Candidates& candidates) const {
        const WantedVolume& wanted = chosen.wanted;
        std::vector<const Proof*> opening;
        std::vector<const Proof*> fitting;
        const Proof* refused = nullptr;
        for (const RestoreDevice* device : candidates.devices) {
            if (const std::string other = open_name(*device); !other.empty()) {
                chosen.left = {
                    wanted.name, Code::volume_ambiguous,
                    fmt::format("'{}' is open already, under the name '{}'", device->path, other),
                    Permission::none, ""};
                return;
            }
            const Proof* proof = proof_of(facts_, device->path, candidates.header_file);
            if (proof == nullptr || !proof->key) {
                refused = refused != nullptr ? refused : proof;
                continue;
            }
            opening.push_back(proof);
            // A header that the passport does not know needs more than something that looks right.
            if (proof->content && (candidates.header_file.empty() && candidates.needs_content
                                       ? proves(wanted, *proof->content)
                                       : fits(wanted, *proof->content))) {
                fitting.push_back(proof);
            }
        }
        if (opening.empty()) {
            no_key(chosen, candidates, refused);
        } else if (const Proof* half = half_way(opening)) {
            // Nobody looks inside one that is encrypted half-way.
            end_reencryption_first(
                chosen, *half, !candidates.needs_content || choices_.devices.contains(wanted.name));
        } else if (!candidates.needs_content || fitting.size() == 1) {
            take(chosen, fitting.size() == 1 ? *fitting.front() : *opening.front());
        } else if (fitting.size() > 1) {
            unclear(chosen, fitting, "look like it inside");
        } else if (opening.size() == 1 && !opening.front()->content) {
            take(chosen, *opening.front());
            chosen.findings.push_back(
                fmt::format("that '{}' is the device of '{}' follows from its place and size "
                            "alone: its cipher cannot be decrypted for a look",
                            opening.front()->device, wanted.name));
        } else {
            unclear(chosen, opening, "could be it, but do not show inside what it had");
        }
    }

    /// One of these whose header says that it is encrypted only half-way with the new key; null:
    /// there is none.
    const Proof* half_way(const std::vector<const Proof*>& proofs) const {
        for (const Proof* proof : proofs) {
            const bool detached = !proof->header_file.empty();
            const auto& headers = detached ? facts_.header_files : facts_.headers;
            const auto header = headers.find(detached ? proof->header_file : proof->device);
            if (header != headers.end() && header->second.reencrypting) {
                return proof;
            }
        }
        return nullptr;
    }

    /// To go on on a disk that is another volume's would destroy that one.
    static void end_reencryption_first(ChosenVolume& chosen, const Proof& proof, bool is_its_own) {
        const std::string header =
            proof.header_file.empty() ? "" : fmt::format(" --header {}", proof.header_file);
        chosen.left = {
            chosen.wanted.name, Code::volume_unreadable,
            fmt::format("it is being re-encrypted, and opening it would write to it: end that "
                        "first, with 'cryptsetup reencrypt --resume-only {}{}'{}",
                        is_its_own ? proof.device : "DEVICE", header,
                        is_its_own ? ""
                                   : "; which device is its own cannot be told here, and on "
                                     "another one this destroys what is there"),
            Permission::none, ""};
    }

    std::string open_name(const RestoreDevice& device) const {
        for (const RestoreDevice* upper : above(facts_, device)) {
            if (upper->block.kind == BlockKind::dm_crypt) {
                return upper->block.dm_name;
            }
        }
        return "";
    }

    void take(ChosenVolume& chosen, const Proof& proof) const {
        chosen.device = device_at(facts_, proof.device);
        chosen.key = proof.key;
        chosen.content = proof.content;
    }

    static void unclear(ChosenVolume& chosen, const std::vector<const Proof*>& proofs,
                        std::string_view why) {
        std::string paths;
        for (const Proof* proof : proofs) {
            paths += (paths.empty() ? "'" : ", '") + proof->device + "'";
        }
        chosen.left = {chosen.wanted.name, Code::volume_ambiguous,
                       fmt::format("{} {}: none of them is touched; say which one is meant with "
                                   "--device {}=PATH",
                                   paths, why, chosen.wanted.name),
                       Permission::none, ""};
    }

    void no_key(ChosenVolume& chosen, const Candidates& candidates, const Proof* refused) const {
        // Without a key the header's own UUID alone can tell whose device it is.
        const std::string uuid = uuid_of(chosen.wanted);
        const auto header = candidates.devices.size() == 1 && candidates.header_file.empty()
                                ? facts_.headers.find(candidates.devices.front()->path)
                                : facts_.headers.end();
        if (header != facts_.headers.end() && !uuid.empty() &&
            lower_case(header->second.uuid) == uuid) {
            chosen.device = candidates.devices.front();
        }
        chosen.left = {chosen.wanted.name, Code::key_missing, "no key file for it is at hand",
                       Permission::none, ""};
        if (names_lost_key(chosen.wanted, keys_on_volumes(facts_))) {
            chosen.left->why = "its own key file is not there, and no other one opens it";
        } else if (refused != nullptr && !refused->problem.empty()) {
            chosen.left->code = refused->code;
            chosen.left->why = refused->problem;
        }
        if (!chosen.wanted.key_file().empty()) {
            chosen.left->why += fmt::format(" (its line names '{}')", chosen.wanted.key_file());
        }
        if (chosen.wanted.recorded != nullptr && chosen.wanted.recorded->bound_to_machine) {
            chosen.left->why +=
                "; by itself it opens with a TPM or the like of the machine it "
                "was on, never on another one";
        }
    }

    const RestoreFacts& facts_;
    const RestoreChoices& choices_;
};

}  // namespace

bool is_left_closed(const WantedVolume& volume, const RestoreFacts& facts,
                    const RestoreChoices& choices) {
    return volume.stays_closed() && !choices.devices.contains(volume.name) &&
           opened_as(facts, volume.name) == nullptr;
}

std::vector<ChosenVolume> choose_devices(const RestoreFacts& facts, const RestoreChoices& choices) {
    const Chooser chooser(facts, choices);
    std::vector<ChosenVolume> chosen;
    std::map<const RestoreDevice*, std::string> taken;
    for (WantedVolume& wanted : wanted_volumes(facts)) {
        if (is_left_closed(wanted, facts, choices)) {
            continue;
        }
        chosen.push_back(chooser.choose(std::move(wanted)));
        ChosenVolume& volume = chosen.back();
        if (volume.device == nullptr || volume.left) {
            continue;
        }
        const auto [other, first] = taken.emplace(volume.device, volume.wanted.name);
        if (!first) {
            volume.left = {volume.wanted.name, Code::volume_ambiguous,
                           fmt::format("'{}' is the device of '{}' already", volume.device->path,
                                       other->second),
                           Permission::none, ""};
            volume.device = nullptr;  // nor does a line of it name that one
        }
    }
    return chosen;
}

}  // namespace stillpoint
