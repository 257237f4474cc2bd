// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "inspect/bytes.h"
#include "inspect/filesystem_state/filesystem_state.h"
#include "tests/fakes/byte_text.h"
#include "tests/unit/inspect/disk_bytes.h"

namespace stillpoint {
namespace {

using testing::ByteText;
using testing::ext_volume;
using testing::ext_volume_with_journal;
using ::testing::HasSubstr;

constexpr unsigned kValid = 1;
constexpr unsigned kErrors = 2;
constexpr unsigned kJournal = 4;
constexpr unsigned kRecover = 4;
constexpr unsigned kExtents = 0x40;

FilesystemState state_of(std::string bytes) {
    return ext_state(ByteText(std::move(bytes))).value();
}

TEST(ExtState, WithoutNeedsRecoveryAJournalledOneIsClean) {
    const FilesystemState state = state_of(ext_volume(kValid, kJournal, kExtents));
    EXPECT_EQ(state.type, "ext4");
    EXPECT_EQ(state.label, "data");
    EXPECT_EQ(state.verdict, FilesystemVerdict::clean);
}

TEST(ExtState, NeedsRecoveryMeansReplayAlthoughItIsMarkedClean) {
    const FilesystemState state = state_of(ext_volume(kValid, kJournal, kExtents | kRecover));
    EXPECT_EQ(state.verdict, FilesystemVerdict::needs_replay);
}

TEST(ExtState, ErrorsCountMoreThanTheJournal) {
    const FilesystemState state =
        state_of(ext_volume(kValid | kErrors, kJournal, kExtents | kRecover));
    EXPECT_EQ(state.verdict, FilesystemVerdict::errors);
}

TEST(ExtState, WithoutAJournalAMountedOneCannotTell) {
    EXPECT_EQ(state_of(ext_volume(kValid, 0, 2)).verdict, FilesystemVerdict::clean);
    const FilesystemState mounted = state_of(ext_volume(0, 0, 2));
    EXPECT_EQ(mounted.type, "ext2");
    EXPECT_EQ(mounted.verdict, FilesystemVerdict::was_mounted);
}

TEST(ExtState, TellsExt3FromExt4ByWhatExt3DoesNotKnow) {
    EXPECT_EQ(state_of(ext_volume(kValid, kJournal, 2, 3)).type, "ext3");
    EXPECT_EQ(state_of(ext_volume(kValid, kJournal, 2, 8)).type, "ext4");
}

TEST(ExtState, AWrongChecksumIsAnError) {
    std::string bytes = ext_volume(kValid, kJournal, kExtents, 0x400);
    testing::put_le(bytes, 1024 + 0x3FC, crc32c(~0U, std::string_view(bytes).substr(1024, 0x3FC)),
                    4);
    EXPECT_EQ(state_of(bytes).verdict, FilesystemVerdict::clean);
    bytes[1024 + 0x78] = 'D';
    const FilesystemState state = state_of(bytes);
    EXPECT_EQ(state.verdict, FilesystemVerdict::errors);
    EXPECT_THAT(state.sentence, HasSubstr("checksum"));
}

TEST(ExtState, AJournalOfAnotherDeviceIsNoFilesystem) {
    const FilesystemState state = state_of(ext_volume(kValid, 0, 8));
    EXPECT_EQ(state.verdict, FilesystemVerdict::not_told);
    EXPECT_THAT(state.sentence, HasSubstr("another device"));
}

TEST(ExtState, AJournalOnAnotherDeviceLeavesItUntold) {
    std::string bytes = ext_volume(kValid, kJournal, kExtents);
    testing::put_le(bytes, 1024 + 0xE0, 0, 4);
    const FilesystemState state = state_of(bytes);
    EXPECT_EQ(state.verdict, FilesystemVerdict::not_told);
    EXPECT_THAT(state.sentence, HasSubstr("another device"));
}

TEST(ExtState, AJournalMountedAndMarkedAsNotUnmountedIsAnError) {
    EXPECT_EQ(state_of(ext_volume(0, kJournal, kExtents)).verdict, FilesystemVerdict::errors);
}

TEST(ExtState, AnErrorThatWasCountedIsOneAlthoughTheMarkIsGone) {
    std::string bytes = ext_volume(kValid, kJournal, kExtents);
    testing::put_le(bytes, 1024 + 0x194, 3, 4);
    EXPECT_EQ(state_of(bytes).verdict, FilesystemVerdict::errors);
}

TEST(ExtState, AsksTheJournalItself) {
    EXPECT_EQ(state_of(ext_volume_with_journal(kValid, kExtents, 0, 0)).verdict,
              FilesystemVerdict::clean);
    const FilesystemState started = state_of(ext_volume_with_journal(kValid, kExtents, 7, 0));
    EXPECT_EQ(started.verdict, FilesystemVerdict::needs_replay);
    EXPECT_THAT(started.sentence, HasSubstr("not empty"));
    const FilesystemState aborted =
        state_of(ext_volume_with_journal(kValid, kExtents | kRecover, 7, 5));
    EXPECT_EQ(aborted.verdict, FilesystemVerdict::errors);
    EXPECT_THAT(aborted.sentence, HasSubstr("aborted, error 5"));
}

TEST(ExtState, FindsTheJournalOfAnOlderOneByItsBlockMap) {
    std::string bytes = ext_volume_with_journal(kValid, 2, 7, 0);
    bytes.replace(1024 + 0x10C, 24, std::string(24, '\0'));
    testing::put_le(bytes, 1024 + 0x10C, 5, 4);
    EXPECT_EQ(state_of(bytes).verdict, FilesystemVerdict::needs_replay);
}

TEST(ExtState, WhatIsNoJournalIsNotAsked) {
    std::string bytes = ext_volume_with_journal(kValid, kExtents, 7, 5);
    bytes[5 * 1024] = 'x';
    EXPECT_EQ(state_of(bytes).verdict, FilesystemVerdict::clean);
    bytes = ext_volume_with_journal(kValid, kExtents, 7, 5);
    testing::put_le(bytes, 1024 + 0x10C + 20, ~0U, 4);  // beyond the end
    EXPECT_EQ(state_of(bytes).verdict, FilesystemVerdict::clean);
}

TEST(ExtState, ACutOffVolumeIsAnErrorNotAState) {
    const auto state = ext_state(ByteText(ext_volume(kValid, 0, 2).substr(0, 2047)));
    ASSERT_FALSE(state);
    EXPECT_EQ(state.error().code(), Code::volume_unreadable);
}

}  // namespace
}  // namespace stillpoint
