// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "tests/unit/inspect/disk_bytes.h"

namespace stillpoint::testing {

/// Operations of an XFS log, as the kernel writes them.
class XfsOperations {
public:
    XfsOperations& add(std::uint32_t id, unsigned flags, const std::string& region) {
        std::string header(12, '\0');
        put_be(header, 0, id, 4);
        put_be(header, 4, region.size(), 4);
        header[8] = '\x69';
        header[9] = static_cast<char>(flags);
        bytes_ += header + region;
        ++count_;
        return *this;
    }
    XfsOperations& begin(std::uint32_t id) {
        std::string header(16, '\0');
        put_text(header, 0, "NART");
        return add(id, 1, "").add(id, 0, header);
    }
    XfsOperations& buffer(std::uint32_t id, std::uint64_t block, unsigned parts = 1) {
        std::string format(24, '\0');
        put_le(format, 0, 0x123C, 2);
        put_le(format, 2, parts + 1, 2);
        put_le(format, 8, block, 8);
        add(id, 0, format);
        for (unsigned i = 0; i < parts; ++i) {
            add(id, 0, std::string(128, 'b'));
        }
        return *this;
    }
    XfsOperations& inode(std::uint32_t id) {
        std::string format(56, '\0');
        put_le(format, 0, 0x123B, 2);
        put_le(format, 2, 2, 2);
        return add(id, 0, format).add(id, 0, std::string(176, 'i'));
    }
    XfsOperations& commit(std::uint32_t id) { return add(id, 2, ""); }
    /// As a freeze leaves it.
    XfsOperations& superblock(std::uint32_t id) { return begin(id).buffer(id, 0).commit(id); }
    XfsOperations& unmount() { return add(1, 0x20, "nU" + std::string(6, '\0')); }

    const std::string& bytes() const { return bytes_; }
    std::uint32_t count() const { return count_; }

private:
    std::string bytes_;
    std::uint32_t count_ = 0;
};

/// A log of `blocks` blocks; records are written one behind the other, round and round.
class XfsLogBuilder {
public:
    explicit XfsLogBuilder(std::uint32_t blocks) : bytes_(std::size_t{blocks} * 512, '\0') {}

    /// The block it was written to.
    std::uint32_t write(const XfsOperations& operations, std::uint32_t tail) {
        std::string data = operations.bytes();
        data.resize((data.size() + 511) / 512 * 512, '\0');
        std::string header(512, '\0');
        put_be(header, 0, 0xFEEDBABE, 4);
        put_be(header, 4, cycle_, 4);
        put_be(header, 8, 2, 4);
        put_be(header, 12, operations.bytes().size(), 4);
        put_be(header, 28, tail, 4);
        put_be(header, 40, operations.count(), 4);
        put_be(header, 320, 32768, 4);
        const std::uint32_t place = head_;
        const std::uint32_t record_cycle = cycle_;
        // The data's cycles first: a record that goes over the end goes on in the next round.
        std::vector<std::string> blocks;
        for (std::size_t i = 0; i * 512 < data.size(); ++i) {
            std::string block = data.substr(i * 512, 512);
            header.replace(44 + i * 4, 4, block, 0, 4);
            blocks.push_back(std::move(block));
        }
        put_be(header, 4, record_cycle, 4);
        put(header);
        for (std::string& block : blocks) {
            put_be(block, 0, cycle_, 4);
            put(block);
        }
        return place;
    }

    std::uint32_t head() const { return head_; }
    std::string& bytes() { return bytes_; }

private:
    void put(const std::string& block) {
        bytes_.replace(std::size_t{head_} * 512, 512, block);
        if (++head_ == bytes_.size() / 512) {
            head_ = 0;
            ++cycle_;
        }
    }

    std::string bytes_;
    std::uint32_t head_ = 0;
    std::uint32_t cycle_ = 1;
};

}  // namespace stillpoint::testing
