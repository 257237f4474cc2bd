// SPDX-License-Identifier: Apache-2.0
#include "restore/machine.h"

#include "base/format.h"
#include "restore/choice.h"

namespace stillpoint {
namespace {

std::string plain(std::string_view uuid) {
    std::string digits = lower_case(std::string(uuid));
    std::erase_if(digits, [](char each) { return each == '-' || each == '{' || each == '}'; });
    return digits;
}

/// The other byte order of the first 4, 2 and 2 bytes.
std::string turned(const std::string& digits) {
    std::string result;
    std::size_t at = 0;
    for (const std::size_t size : {8U, 4U, 4U}) {
        for (std::size_t pair = size; pair > 0; pair -= 2) {
            result += digits.substr(at + pair - 2, 2);
        }
        at += size;
    }
    return result + digits.substr(at);
}

}  // namespace

bool is_same_product(std::string_view left, std::string_view right) {
    constexpr std::size_t kDigits = 32;
    const std::string one = plain(left);
    const std::string other = plain(right);
    return one == other || (one.size() == kDigits && turned(one) == other);
}

MachineVerdict judge_machine(const MachineName& then, const MachineName& now) {
    const bool products = !then.product_uuid.empty() && !now.product_uuid.empty();
    const bool identities = !then.identity.empty() && !now.identity.empty();
    if (products && !is_same_product(then.product_uuid, now.product_uuid)) {
        return {true, fmt::format("this machine was restored: its product UUID is {}, the one that "
                                  "was backed up had {}",
                                  now.product_uuid, then.product_uuid)};
    }
    if (identities && plain(then.identity) != plain(now.identity)) {
        return {true, fmt::format("this machine was restored: the VM agent knows it as {}, the one "
                                  "that was backed up was {}",
                                  now.identity, then.identity)};
    }
    if (!products) {
        // A restored disk brings the old identity along until the VM agent writes the new one.
        return {std::nullopt,
                "whether this machine was restored cannot be told: it, or the passport, has no "
                "product UUID"};
    }
    return {false, "this is the machine that was backed up, not a restored one"};
}

}  // namespace stillpoint
