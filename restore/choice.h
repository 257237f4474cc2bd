// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "restore/plan.h"
#include "restore/wanted.h"

namespace stillpoint {

/// A volume and what was found for it. Refers to the facts.
struct ChosenVolume {
    WantedVolume wanted;
    const RestoreDevice* device = nullptr;  // that holds the ciphertext; null: undecided
    const RestoreDevice* mapped = nullptr;  // its content, where it is open
    std::string header_file;                // as it is now; empty: on the device
    std::optional<KeyFile> key;             // that opens it
    std::optional<DeviceContent> content;   // within; no value: unknown
    std::vector<std::string> findings;
    std::string told_by_key;        // as that of Candidates
    std::optional<LeftAlone> left;  // why it cannot be opened
};

/// Which devices could be a volume's, and why there is none.
struct Candidates {
    std::vector<const RestoreDevice*> devices;
    std::string header_file;  // as it is now
    /// What is inside has to show that it is the right one.
    bool needs_content = false;
    std::string told_by_key;  // the header's UUID that the volume's own key told; empty: it did not
    std::optional<LeftAlone> none;
};
Candidates candidates_for(const WantedVolume& volume, const RestoreFacts& facts,
                          const RestoreChoices& choices);

/// Those with this header on them, in small letters.
Candidates with_header_uuid(const WantedVolume& volume, const RestoreFacts& facts,
                            const std::string& uuid);

/// Where nothing but its place tells which device a line means, the disks may have changed places:
/// then the volume's own key says where it is now. Corrects the candidates and tells of it.
void follow_key(const WantedVolume& volume, const RestoreFacts& facts,
                const RestoreChoices& choices, Candidates& candidates,
                std::vector<std::string>& findings);

/// What trying keys showed; null: none were tried.
const Proof* proof_of(const RestoreFacts& facts, const std::string& device,
                      const std::string& header_file);

/// The UUID of a header on the device, as the passport or the line itself names it; empty: neither.
std::string uuid_of(const WantedVolume& volume);
std::string lower_case(std::string text);

/// Decides each volume's device and key. Left out are those that stay closed.
std::vector<ChosenVolume> choose_devices(const RestoreFacts& facts, const RestoreChoices& choices);

/// Its line says that people open it by hand, nobody has, and nobody asks for it here.
bool is_left_closed(const WantedVolume& volume, const RestoreFacts& facts,
                    const RestoreChoices& choices);

/// Encrypted devices that no volume of the tables or the passport claims and that are not open.
std::vector<const RestoreDevice*> unknown_volumes(const RestoreFacts& facts,
                                                  const RestoreChoices& choices);

/// What remains for a person when all is done: sentences.
std::vector<std::string> left_for_people(const std::vector<ChosenVolume>& volumes);

/// What stands directly on a device, its partitions left out.
std::vector<const RestoreDevice*> above(const RestoreFacts& facts, const RestoreDevice& device);
bool stands_on(const RestoreDevice& upper, const RestoreDevice& lower);

/// The mapping that is open under this name; null: none is.
const RestoreDevice* opened_as(const RestoreFacts& facts, const std::string& name);
/// The device that holds a mapping's ciphertext; null: it is not known.
const RestoreDevice* below(const RestoreFacts& facts, const RestoreDevice& mapped);

}  // namespace stillpoint
