// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

#include <cerrno>

#include <gtest/gtest.h>

#include "base/result.h"

namespace stillpoint {
namespace {

TEST(Error, DescribesTheWholeChainOutermostFirst) {
    const Error beneath = fail(Code::mount_not_openable, "cannot open '/data'").with_errno(ENOENT);
    const Error error = fail(Code::freeze_failed, "cannot freeze '/data'").caused_by(beneath);

    EXPECT_EQ(error.describe(),
              "cannot freeze '/data' [freeze_failed] <- cannot open '/data' [mount_not_openable] "
              "(posix 2, No such file or directory)");
    EXPECT_EQ(error.sentence(),
              "cannot freeze '/data': cannot open '/data': No such file or directory");
}

TEST(Error, KeepsANumberOfTheNetworkApartFromErrno) {
    EXPECT_EQ(fail(Code::blob_refused, "refused").with_http(409).describe(),
              "refused [blob_refused] (http 409)");
}

TEST(Result, HoldsAValueOrAnError) {
    const Result<int> good = 7;
    const Result<int> bad = fail(Code::internal, "broken");

    ASSERT_TRUE(good);
    EXPECT_EQ(*good, 7);
    ASSERT_FALSE(bad);
    EXPECT_EQ(bad.error().code(), Code::internal);
}

TEST(Result, OfNothingIsSuccessUntilToldOtherwise) {
    EXPECT_TRUE(Result<void>());
    EXPECT_FALSE(Result<void>(fail(Code::internal, "broken")));
}

}  // namespace
}  // namespace stillpoint
