// SPDX-License-Identifier: Apache-2.0
#include "inspect/moved_head.h"

#include <gtest/gtest.h>

#include "tests/fakes/byte_text.h"

namespace stillpoint {
namespace {

using testing::ByteText;

MovedHead view(std::uint64_t bytes, std::uint64_t offset) {
    return {std::make_unique<ByteText>("AAAAbbbbccccHEADdddd"), bytes, offset};
}

TEST(MovedHead, PutsTheFirstBytesBack) {
    EXPECT_EQ(view(4, 12).read(0, 20).value(), "HEADbbbbccccHEADdddd");
    EXPECT_EQ(view(4, 12).read(2, 4).value(), "ADbb");
    EXPECT_EQ(view(4, 12).read(4, 2).value(), "bb");
    EXPECT_EQ(view(4, 12).read(1, 2).value(), "EA");
}

TEST(MovedHead, HostileNumbersAreErrors) {
    EXPECT_FALSE(view(4, 18).read(0, 4));
    EXPECT_FALSE(view(4, ~0ULL).read(0, 4));
    EXPECT_FALSE(view(~0ULL, 12).read(0, 20));
    EXPECT_FALSE(view(4, 12).read(19, 2));
}

}  // namespace
}  // namespace stillpoint
