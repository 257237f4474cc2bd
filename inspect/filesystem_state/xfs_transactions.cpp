// SPDX-License-Identifier: Apache-2.0
#include "inspect/filesystem_state/xfs_transactions.h"

#include <algorithm>

#include "inspect/bytes.h"

namespace stillpoint {
namespace {

// Linux, fs/xfs/libxfs/xfs_log_format.h: xlog_op_header, xfs_trans_header, xfs_buf_log_format. The
// headers of operations are big-endian, what they hold is as the machine had it: little-endian on
// every machine that this product runs on.
constexpr std::size_t kOperationHeader = 12;
constexpr unsigned kStart = 1;
constexpr unsigned kCommit = 2;
constexpr unsigned kContinues = 4;
constexpr unsigned kContinued = 8;
constexpr std::uint32_t kTransactionMagic = 0x5452414E;
constexpr unsigned kBuffer = 0x123C;
constexpr std::size_t kBufferFormat = 20;
// Far more than a log keeps open at a time; a hostile one is not followed further.
constexpr std::size_t kMaxOpen = 256;

}  // namespace

bool XfsTransactions::add_record(std::string_view operations, std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i) {
        if (operations.size() < kOperationHeader) {
            return false;
        }
        const std::uint32_t id = be32(operations, 0);
        const std::uint32_t size = be32(operations, 4);
        const unsigned flags = byte_at(operations, 9);
        operations.remove_prefix(kOperationHeader);
        if (size > operations.size() || !add_operation(id, flags, operations.substr(0, size))) {
            return false;
        }
        operations.remove_prefix(size);
    }
    return true;
}

bool XfsTransactions::add_operation(std::uint32_t id, unsigned flags, std::string_view region) {
    auto found = std::ranges::find(open_, id, &Transaction::id);
    if ((flags & kStart) != 0) {
        if (found != open_.end()) {
            open_.erase(found);  // the earlier one never ended: this is another of the same number
        }
        if (open_.size() >= kMaxOpen) {
            return false;
        }
        open_.push_back({.id = id});
        return true;
    }
    if (found == open_.end()) {
        return true;  // it began before the tail: written back already
    }
    if ((flags & kCommit) != 0) {
        ++complete_;
        of_superblock_ += found->superblock_only && found->superblock_parts == 0 ? 1 : 0;
        open_.erase(found);
        return true;
    }
    if ((flags & (kContinues | kContinued)) != 0) {
        found->superblock_only = false;  // a superblock is too small to be split between records
    }
    look_at(*found, region);
    return true;
}

void XfsTransactions::look_at(Transaction& transaction, std::string_view region) {
    if (!transaction.superblock_only) {
        return;
    }
    if (transaction.regions++ == 0) {
        transaction.superblock_only = region.size() == 16 && le32(region, 0) == kTransactionMagic;
    } else if (transaction.superblock_parts > 0) {
        --transaction.superblock_parts;
    } else {
        const bool of_superblock = region.size() >= kBufferFormat && le16(region, 0) == kBuffer &&
                                   le16(region, 2) > 1 && le64(region, 8) == 0;
        transaction.superblock_only = of_superblock;
        transaction.superblock_parts = of_superblock ? le16(region, 2) - 1U : 0;
    }
}

}  // namespace stillpoint
