// SPDX-License-Identifier: Apache-2.0
#include "inspect/table_faults.h"

#include <algorithm>
#include <optional>

#include "base/format.h"
#include "inspect/bytes.h"
#include "inspect/gpt.h"

namespace stillpoint {
namespace {

/// Of the whole of a disk, in an MBR: a GPT has the partitions. UEFI specification, "Protective
/// MBR".
constexpr std::string_view kProtective = "0xee";

std::vector<std::string> copies_of(const ByteSource& disk) {
    std::optional<GptHeader> first = read_gpt_header(disk, 512, 512);
    if (!first) {
        first = read_gpt_header(disk, 4096, 4096);
    }
    if (!first) {
        return {
            "the GPT at its beginning is damaged; the partitions are those of the copy at its end"};
    }
    std::vector<std::string> faults;
    if (!has_right_entries(disk, *first)) {
        faults.emplace_back("the partitions of the GPT at its beginning are damaged");
    }
    const auto second =
        read_gpt_header(disk, saturated_product(first->other, first->sector), first->sector);
    if (!second) {
        faults.emplace_back("the copy of the GPT at its end is missing or damaged");
    } else if (!has_right_entries(disk, *second)) {
        faults.emplace_back("the partitions of the GPT at its end are damaged");
    }
    return faults;
}

std::vector<std::string> overlaps(const PartitionTable& table) {
    std::vector<Partition> sorted = table.partitions;
    std::ranges::sort(sorted, {}, &Partition::offset_bytes);
    std::vector<std::string> faults;
    for (std::size_t i = 1; i < sorted.size(); ++i) {
        const Partition& before = sorted[i - 1];
        if (sorted[i].offset_bytes - before.offset_bytes < before.size_bytes) {
            faults.push_back(
                fmt::format("partitions {} and {} overlap", before.number, sorted[i].number));
        }
    }
    return faults;
}

}  // namespace

std::vector<std::string> faults_of(const PartitionTable& table, const ByteSource& disk) {
    if (table.type == "gpt") {
        std::vector<std::string> faults = copies_of(disk);
        std::ranges::move(overlaps(table), std::back_inserter(faults));
        return faults;
    }
    if (std::ranges::find(table.partitions, kProtective, &Partition::type) !=
        table.partitions.end()) {
        return {"its MBR says that there is a GPT, and there is no valid one"};
    }
    return {};
}

}  // namespace stillpoint
