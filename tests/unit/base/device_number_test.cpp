// SPDX-License-Identifier: Apache-2.0
#include "base/device_number.h"

#include <gtest/gtest.h>

namespace stillpoint {
namespace {

TEST(DeviceNumber, IsReadAsItIsPrinted) {
    const auto number = parse_device_number("259:12");

    ASSERT_TRUE(number);
    EXPECT_EQ(*number, (DeviceNumber{259, 12}));
    EXPECT_EQ(to_string(*number), "259:12");
}

TEST(DeviceNumber, RefusesAnythingElse) {
    for (const char* text :
         {"", ":", "8", "8:", ":1", "8:1 ", " 8:1", "8:1:2", "-8:1", "8:x", "99999999999:1"}) {
        EXPECT_FALSE(parse_device_number(text)) << "'" << text << "'";
    }
}

}  // namespace
}  // namespace stillpoint
