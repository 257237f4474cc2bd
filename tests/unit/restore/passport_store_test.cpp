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

TEST(SurveyInAPassport, HasOneMountOfEachFilesystem) {
    Passport passport;
    EncryptedVolume& volume = passport.encryption.volumes.emplace_back();
    const auto add = [&](const std::string& place, const std::string& root, DeviceNumber device) {
        Mount& mount = passport.inventory.mounts.emplace_back();
        mount.mount_point = place;
        mount.root = root;
        mount.device = device;
        mount.type = "btrfs";
        mount.source = "/dev/mapper/" + std::to_string(device.minor);
        volume.mounts.push_back({place, mount.type, "", mount.source});
    };
    add("/", "/@", {0, 40});
    add("/home", "/@home", {0, 40});
    add("/data", "/", {0, 41});

    const std::vector<EncryptedMount> mounts = survey_in(passport).volumes.at(0).mounts;

    ASSERT_EQ(mounts.size(), 2U);
    EXPECT_EQ(mounts[0].mount_point, "/");
    EXPECT_EQ(mounts[1].mount_point, "/data");
}

}  // namespace
}  // namespace stillpoint
