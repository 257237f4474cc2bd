// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "platform/device_graph.h"

namespace stillpoint {

/// `counted`, with the arrays in place of the devices that belong to nothing but arrays. md writes
/// to its members of its own accord: it marks the array clean some 0.2 s after the last write
/// (safe_mode_delay), which is no write to anything that is backed up. What is written to the data
/// goes through the array, and its counters tell. Not while an array is reshaped: then data moves
/// between the members, unseen by the array's counters.
/// Source: the kernel's Documentation/admin-guide/md.rst, "safe_mode_delay", "sync_action".
std::vector<std::string> count_arrays_for_members(const DeviceGraph& graph,
                                                  const std::vector<std::string>& counted);

}  // namespace stillpoint
