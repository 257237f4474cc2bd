// SPDX-License-Identifier: Apache-2.0
#include "inspect/filesystem_state/xfs_log.h"

#include <algorithm>
#include <optional>

#include "base/format.h"
#include "inspect/bytes.h"
#include "inspect/filesystem_state/xfs_transactions.h"

namespace stillpoint {
namespace {

// Linux, fs/xfs/libxfs/xfs_log_format.h (xlog_rec_header) and fs/xfs/xfs_log_recover.c (how head
// and tail are found). A log is a ring of blocks of 512 bytes; each block begins with the number of
// the round it was written in, a record's first block with a magic and then that number.
constexpr std::uint32_t kBlock = 512;
constexpr std::uint32_t kMagic = 0xFEEDBABE;
constexpr std::uint32_t kCycleSlots = 64;  // whose first words a header keeps: 32 KiB of blocks
constexpr std::uint32_t kMaxRecord = 256U << 10U;
// Eight records are in flight at a time and may reach the disk in any order.
constexpr std::uint32_t kInFlight = 8 * kMaxRecord / kBlock;
constexpr std::uint32_t kMaxReplayed = (16U << 20U) / kBlock;
constexpr unsigned kVersion2 = 2;
constexpr unsigned kUnmount = 0x20;

Error senseless(std::string_view why) {
    return fail(Code::volume_unreadable, fmt::format("the log of XFS makes no sense: {}", why));
}

struct Record {
    std::uint32_t block = 0;
    std::uint32_t header_blocks = 1;
    std::uint32_t data_size = 0;
    std::uint32_t operations = 0;
    std::uint32_t tail = 0;
    std::string header;

    std::uint32_t blocks() const { return header_blocks + (data_size + kBlock - 1) / kBlock; }
};

class Ring {
public:
    explicit Ring(const ByteSource& log)
        : log_(log), blocks_(static_cast<std::uint32_t>(log.size() / kBlock)) {}

    std::uint32_t blocks() const { return blocks_; }
    std::uint32_t around(std::uint64_t block) const {
        return static_cast<std::uint32_t>(block % blocks_);
    }
    std::uint32_t back(std::uint32_t block, std::uint32_t by) const {
        return around(std::uint64_t{block} + blocks_ - by);
    }

    /// `count` blocks from `block`, over the ring's end.
    Result<std::string> read(std::uint32_t block, std::uint32_t count) const {
        const std::uint32_t first = std::min(count, blocks_ - block);
        Result<std::string> bytes =
            log_.read(std::uint64_t{block} * kBlock, std::size_t{first} * kBlock);
        if (!bytes || first == count) {
            return bytes;
        }
        const Result<std::string> rest = log_.read(0, std::size_t{count - first} * kBlock);
        if (!rest) {
            return rest.error();
        }
        return *bytes + *rest;
    }

private:
    const ByteSource& log_;
    std::uint32_t blocks_;
};

std::uint32_t cycle_in(std::string_view block) {
    return be32(block, 0) == kMagic ? be32(block, 4) : be32(block, 0);
}

Result<std::uint32_t> cycle_of(const Ring& ring, std::uint32_t block) {
    const Result<std::string> bytes = ring.read(block, 1);
    if (!bytes) {
        return bytes.error();
    }
    return cycle_in(*bytes);
}

/// The first block that is not of the newest round, by halving; `blocks` when all are of one.
Result<std::uint32_t> end_of_round(const Ring& ring, std::uint32_t newest) {
    std::uint32_t low = 0;  // is of the newest round
    std::uint32_t high = ring.blocks();
    while (high - low > 1) {
        const std::uint32_t middle = low + (high - low) / 2;
        const Result<std::uint32_t> cycle = cycle_of(ring, middle);
        if (!cycle) {
            return cycle.error();
        }
        (*cycle == newest ? low : high) = middle;
    }
    return high;
}

/// The head: behind it nothing is whole. Of what was in flight a part may be missing before the end
/// of the round; the head is then at the first block that is of an older one.
Result<std::uint32_t> find_head(const Ring& ring, std::uint32_t newest) {
    const Result<std::uint32_t> end = end_of_round(ring, newest);
    if (!end) {
        return end.error();
    }
    const std::uint32_t window = std::min(ring.blocks() - 1, kInFlight);
    const std::uint32_t from = ring.back(*end, window);
    const Result<std::string> bytes = ring.read(from, window);
    if (!bytes) {
        return bytes.error();
    }
    const bool wraps = from >= *end;
    for (std::uint32_t i = 0; i < window; ++i) {
        const std::uint32_t block = ring.around(std::uint64_t{from} + i);
        const std::uint32_t cycle =
            cycle_in(std::string_view(*bytes).substr(std::size_t{i} * kBlock, kBlock));
        if (block < *end && cycle != newest) {
            return block;
        }
        if (wraps && block >= *end && cycle + 1 < newest) {
            return block;
        }
    }
    return ring.around(*end);
}

std::optional<Record> record_at(const Ring& ring, std::uint32_t block, std::string header) {
    if (be32(header, 0) != kMagic) {
        return std::nullopt;
    }
    Record record{.block = block,
                  .header_blocks = 1,
                  .data_size = be32(header, 12),
                  .operations = be32(header, 40),
                  .tail = be32(header, 28),
                  .header = {}};
    const std::uint32_t most = be32(header, 320);  // the size of a record of this log
    if ((be32(header, 8) & kVersion2) != 0 && most > kCycleSlots * kBlock) {
        record.header_blocks = (most + kCycleSlots * kBlock - 1) / (kCycleSlots * kBlock);
    }
    record.header = std::move(header);
    const bool sane = most <= kMaxRecord && record.data_size > 0 &&
                      record.data_size <= kMaxRecord && record.tail < ring.blocks() &&
                      record.blocks() < ring.blocks();
    return sane ? std::optional(std::move(record)) : std::nullopt;
}

/// The last whole record before `head`, and where the head is then.
Result<Record> last_record(const Ring& ring, std::uint32_t& head) {
    const std::uint32_t window = std::min(ring.blocks() - 1, kInFlight);
    const std::uint32_t from = ring.back(head, window);
    const Result<std::string> bytes = ring.read(from, window);
    if (!bytes) {
        return bytes.error();
    }
    const std::uint32_t end = window;
    for (std::uint32_t i = window; i-- > 0;) {
        auto record = record_at(ring, ring.around(std::uint64_t{from} + i),
                                bytes->substr(std::size_t{i} * kBlock, kBlock));
        if (!record) {
            continue;
        }
        if (i + record->blocks() <= end) {
            head = ring.around(std::uint64_t{record->block} + record->blocks());
            return std::move(*record);
        }
        // Cut off: it never counted, and the head is where it begins. An older one is looked for.
    }
    return senseless("there is no whole record before its head");
}

/// The operations of a record, with the words put back that the numbers of the rounds stand for.
Result<std::string> operations_of(const Ring& ring, const Record& record) {
    Result<std::string> bytes = ring.read(record.block, record.blocks());
    if (!bytes) {
        return bytes.error();
    }
    const std::size_t data = std::size_t{record.header_blocks} * kBlock;
    for (std::size_t i = 0; data + i * kBlock < bytes->size(); ++i) {
        // The first 64 words are in the header, the next 64 in each block that follows it.
        const std::size_t header_block = i / kCycleSlots;
        if (header_block >= record.header_blocks) {
            return senseless("a record is longer than its header allows");
        }
        const std::size_t slots = header_block == 0 ? 44 : header_block * kBlock + 4;
        bytes->replace(data + i * kBlock, 4, *bytes, slots + i % kCycleSlots * 4, 4);
    }
    return bytes->substr(data, record.data_size);
}

Result<bool> is_unmount(const Ring& ring, const Record& record) {
    if (record.operations != 1) {
        return false;
    }
    const Result<std::string> operations = operations_of(ring, record);
    if (!operations) {
        return operations.error();
    }
    return operations->size() >= 12 && (byte_at(*operations, 9) & kUnmount) != 0;
}

Result<void> count_transactions(const Ring& ring, XfsLogContent& content) {
    XfsTransactions transactions;
    std::uint32_t left = ring.around(std::uint64_t{content.head} + ring.blocks() - content.tail);
    std::uint32_t seen = 0;
    for (std::uint32_t block = content.tail; left > 0;) {
        const Result<std::string> header = ring.read(block, 1);
        if (!header) {
            return header.error();
        }
        const auto record = record_at(ring, block, *header);
        if (!record || record->blocks() > left) {
            return senseless(fmt::format("there is no record at its block {}", block));
        }
        const Result<std::string> operations = operations_of(ring, *record);
        if (!operations) {
            return operations.error();
        }
        if (!transactions.add_record(*operations, record->operations)) {
            return senseless(fmt::format("the record at its block {}", block));
        }
        left -= record->blocks();
        seen += record->blocks();
        block = ring.around(std::uint64_t{block} + record->blocks());
        if (seen > kMaxReplayed && left > 0) {
            content.counted_in_part = true;
            break;
        }
    }
    content.transactions = transactions.complete();
    content.of_superblock = transactions.of_superblock();
    content.incomplete = transactions.incomplete();
    return {};
}

}  // namespace

Result<XfsLogContent> read_xfs_log(const ByteSource& log) {
    const Ring ring(log);
    if (ring.blocks() < 64 || log.size() > (1ULL << 31U)) {
        return senseless("its size");
    }
    const Result<std::uint32_t> newest = cycle_of(ring, 0);
    if (!newest) {
        return newest.error();
    }
    XfsLogContent content;
    if (*newest == 0) {
        content.all_zero = true;
        return content;
    }
    const Result<std::uint32_t> found = find_head(ring, *newest);
    if (!found) {
        return found.error();
    }
    content.head = *found;
    const Result<Record> last = last_record(ring, content.head);
    if (!last) {
        return last.error();
    }
    const Result<bool> unmount = is_unmount(ring, *last);
    if (!unmount) {
        return unmount.error();
    }
    if (*unmount) {
        content.unmounted = true;
        content.tail = content.head;
        return content;
    }
    content.tail = last->tail;
    const Result<void> counted = count_transactions(ring, content);
    if (!counted) {
        return counted.error();
    }
    return content;
}

}  // namespace stillpoint
