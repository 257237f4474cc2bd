// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>

#include "platform/byte_source.h"

namespace stillpoint {

/// The volume inside BitLocker: its first bytes, whose place BitLocker's own header took, from
/// where they were moved to; all others at their place. Where only BitLocker reads, what is shown
/// means nothing: the filesystem has no data of its own there.
class MovedHead : public ByteSource {
public:
    MovedHead(std::unique_ptr<ByteSource> decrypted, std::uint64_t head_bytes,
              std::uint64_t head_offset)
        : decrypted_(std::move(decrypted)), head_bytes_(head_bytes), head_offset_(head_offset) {}

    std::uint64_t size() const override { return decrypted_->size(); }

protected:
    Result<std::string> read_within(std::uint64_t offset, std::size_t count) const override {
        const auto in_head = static_cast<std::size_t>(
            std::min<std::uint64_t>(count, head_bytes_ - std::min(offset, head_bytes_)));
        if (in_head == 0) {
            return decrypted_->read(offset, count);
        }
        if (head_offset_ > size()) {
            return fail(Code::volume_unreadable, "the volume's first sectors lie behind its end");
        }
        Result<std::string> head = decrypted_->read(head_offset_ + offset, in_head);
        if (!head || in_head == count) {
            return head;
        }
        const Result<std::string> rest = decrypted_->read(offset + in_head, count - in_head);
        if (!rest) {
            return rest.error();
        }
        return *head + *rest;
    }

private:
    std::unique_ptr<ByteSource> decrypted_;
    std::uint64_t head_bytes_;
    std::uint64_t head_offset_;
};

}  // namespace stillpoint
