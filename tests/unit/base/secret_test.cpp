// SPDX-License-Identifier: Apache-2.0
#include "base/secret.h"

#include <type_traits>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace stillpoint {
namespace {

static_assert(!std::is_copy_constructible_v<Secret>);
static_assert(!fmt::is_formattable<Secret>::value, "a secret must not be printable");

TEST(Secret, TakesTheTextOverAndWipesTheCallersCopy) {
    std::string text = "a short one";
    const char* bytes = text.data();

    const Secret secret(std::move(text));

    EXPECT_EQ(secret.reveal(), "a short one");
    // Looking at what was left behind is the point.
    // NOLINTNEXTLINE(clang-analyzer-cplusplus.InnerPointer)
    EXPECT_EQ(std::string(bytes, 11), std::string(11, '\0'));
}

TEST(Secret, LeavesNothingBehindWhenMoved) {
    Secret from(std::string("planted"));
    const char* bytes = from.reveal().data();

    const Secret to = std::move(from);

    EXPECT_EQ(to.reveal(), "planted");
    EXPECT_EQ(std::string(bytes, 7), std::string(7, '\0'));
}

TEST(Secret, IsDuplicatedOnlyOnPurpose) {
    const Secret one(std::string("planted"));
    const Secret two = one.duplicate();

    EXPECT_EQ(one.reveal(), two.reveal());
}

}  // namespace
}  // namespace stillpoint
