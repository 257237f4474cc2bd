// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/scripts/capped_output.h"

#include <algorithm>

namespace stillpoint::linux_os {

void CappedOutput::add(std::string_view text) {
    const std::size_t room = kHeadBytes - head_.size();
    head_ += text.substr(0, room);
    if (text.size() <= room) {
        return;
    }
    tail_ += text.substr(room);
    if (tail_.size() > kTailBytes) {
        left_out_ += tail_.size() - kTailBytes;
        tail_.erase(0, tail_.size() - kTailBytes);
    }
}

std::string CappedOutput::text() const {
    std::string all = head_;
    if (left_out_ > 0) {
        all += "\n...[" + std::to_string(left_out_) + " bytes left out]...\n";
    }
    all += tail_;
    std::ranges::replace_if(
        all,
        [](char letter) {
            const auto byte = static_cast<unsigned char>(letter);
            return (byte < 0x20 && letter != '\n' && letter != '\t') || byte == 0x7F;
        },
        '?');
    return all;
}

}  // namespace stillpoint::linux_os
