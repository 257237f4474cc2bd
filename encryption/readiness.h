// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "encryption/survey.h"
#include "platform/inventory.h"

namespace stillpoint {

/// Something that a person ought to know before this point is needed. Never a reason not to take
/// it.
struct ReadinessWarning {
    std::string id;        // for programs: "keyslots_changed"
    std::string sentence;  // for people

    bool operator==(const ReadinessWarning&) const = default;
};

struct ReadinessInput {
    const EncryptionSurvey& now;
    const EncryptionSurvey* last = nullptr;     // of the point before; null: it has none
    const Inventory* last_inventory = nullptr;  // its machine; null: taken to be as it is now
    const std::vector<std::string>& disks;      // that go into the point, by the kernel's name
    const Inventory& inventory;
};

/// Looks for what would keep the point's volumes from being opened again, and for what changed
/// since the last one.
std::vector<ReadinessWarning> readiness(const ReadinessInput& input);

}  // namespace stillpoint
