// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace stillpoint {

/// Tells the transactions of a stretch of an XFS log apart. Records are given in their order; a
/// transaction may begin in one and end in another.
class XfsTransactions {
public:
    /// The operations of one record. False: they make no sense.
    bool add_record(std::string_view operations, std::uint32_t count);

    std::uint64_t complete() const { return complete_; }
    /// Complete, and all they hold is the superblock.
    std::uint64_t of_superblock() const { return of_superblock_; }
    std::uint64_t incomplete() const { return open_.size(); }

private:
    struct Transaction {
        std::uint32_t id = 0;
        unsigned regions = 0;           // seen since its begin
        unsigned superblock_parts = 0;  // that still belong to the superblock's buffer
        bool superblock_only = true;
    };

    bool add_operation(std::uint32_t id, unsigned flags, std::string_view region);
    static void look_at(Transaction& transaction, std::string_view region);

    std::vector<Transaction> open_;
    std::uint64_t complete_ = 0;
    std::uint64_t of_superblock_ = 0;
};

}  // namespace stillpoint
