// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "platform/byte_source.h"

namespace stillpoint::testing {

/// A volume in memory.
class ByteText : public ByteSource {
public:
    explicit ByteText(std::string bytes) : bytes_(std::move(bytes)) {}

    std::uint64_t size() const override { return bytes_.size(); }
    std::string& bytes() { return bytes_; }

protected:
    Result<std::string> read_within(std::uint64_t offset, std::size_t count) const override {
        return bytes_.substr(static_cast<std::size_t>(offset), count);
    }

private:
    std::string bytes_;
};

}  // namespace stillpoint::testing
