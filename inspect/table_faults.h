// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "platform/byte_source.h"
#include "platform/volume_probe.h"

namespace stillpoint {

/// What is not right about a partition table that was found: one of a GPT's two copies is damaged,
/// partitions overlap, an MBR says that there is a GPT. Sentences.
std::vector<std::string> faults_of(const PartitionTable& table, const ByteSource& disk);

}  // namespace stillpoint
