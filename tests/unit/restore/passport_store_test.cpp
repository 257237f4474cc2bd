// SPDX-License-Identifier: Apache-2.0
#include "restore/passport_store.h"

#include <gtest/gtest.h>

#include "tests/fakes/fake_file_store.h"

namespace stillpoint {
namespace {

Passport of(const std::string& product, const std::string& nonce) {
    Passport passport;
    passport.product_uuid = product;
    passport.nonce = nonce;
    return passport;
}

class PassportStore : public ::testing::Test {
protected:
    void back_up(const Passport& passport) {
        ASSERT_TRUE(keep_passport_of_another(folder_, passport));
        ASSERT_TRUE(write_passport(folder_, passport));
    }
    std::string to_restore() const {
        const auto passport = passport_to_restore(folder_);
        return passport ? passport->nonce : passport.error().sentence();
    }

    testing::FakeFileStore folder_;
};

TEST_F(PassportStore, ABackupOfTheRestoredMachineDoesNotReplaceWhatTheDisksWereLike) {
    back_up(of("one", "1"));
    back_up(of("one", "2"));
    EXPECT_FALSE(folder_.holds(kRestoredFromFile));
    EXPECT_EQ(to_restore(), "2");
    back_up(of("two", "3"));
    EXPECT_EQ(to_restore(), "2");
    back_up(of("two", "4"));
    EXPECT_EQ(to_restore(), "2");
}

TEST_F(PassportStore, OnceAllIsBackTheNewestCounts) {
    back_up(of("one", "1"));
    ASSERT_TRUE(folder_.replace(kReinstalledFile, "two"));
    EXPECT_EQ(to_restore(), "1");
    back_up(of("two", "2"));
    EXPECT_EQ(to_restore(), "2");
    // And it is the one to keep when that machine is restored in its turn.
    back_up(of("three", "3"));
    EXPECT_EQ(to_restore(), "2");
}

TEST_F(PassportStore, AMachineRestoredTwiceStillKnowsTheFirst) {
    back_up(of("one", "1"));
    back_up(of("two", "2"));
    back_up(of("three", "3"));
    EXPECT_EQ(to_restore(), "1");
}

TEST_F(PassportStore, APassportThatKnowsNoEncryptionYieldsToTheLastThatDoes) {
    Passport looked_at = of("one", "1");
    looked_at.surveyed = true;
    back_up(looked_at);
    ASSERT_TRUE(folder_.replace(kLastPointFile, render_passport(looked_at)));
    back_up(of("one", "2"));
    EXPECT_EQ(to_restore(), "1");
    back_up(of("two", "3"));
    EXPECT_EQ(to_restore(), "1");
}

TEST_F(PassportStore, WhatCannotBeReadIsNotKept) {
    ASSERT_TRUE(folder_.replace(kPassportFile, "not one"));
    back_up(of("two", "2"));
    EXPECT_FALSE(folder_.holds(kRestoredFromFile));
    EXPECT_EQ(to_restore(), "2");
}

TEST_F(PassportStore, SaysWhenItCannotKeepOne) {
    back_up(of("one", "1"));
    folder_.fail_changes(EROFS);
    EXPECT_FALSE(keep_passport_of_another(folder_, of("two", "2")));
}

}  // namespace
}  // namespace stillpoint
