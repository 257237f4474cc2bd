// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "platform/inventory.h"
#include "snapshot/plan.h"

namespace stillpoint::testing {

/// A machine and what is asked of it, as a test writes them down. Sections:
///   [mounts], [mounts of PID]   lines of mountinfo
///   [devices]   KIND NAME MAJ:MIN with on=A,B file=PATH name=DM uuid=DM lun=N and the words ro,
///   resource,
///               local, remote, uncounted, empty
///   [btrfs]     UUID DEVICE...
///   [swaps]     file PATH, partition PATH
///   [selection] lun N, only PATH, skip PATH, device MAJ:MIN
/// A line that begins with '#' is a comment. Anything else that is not understood fails the test.
struct Machine {
    Inventory inventory;
    HoldSelection selection;
};
Machine parse_machine(const std::string& text);

/// A plan as text for people to compare.
std::string render(const GuestPlan& plan);

}  // namespace stillpoint::testing
