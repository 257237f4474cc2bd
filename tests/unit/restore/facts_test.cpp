// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "restore/filesystem_check.h"
#include "restore/machine.h"
#include "tests/fakes/fake_restore_system.h"

namespace stillpoint {
namespace {

using testing::FakeRestoreSystem;

TEST(SameProduct, KnowsBothByteOrders) {
    EXPECT_TRUE(is_same_product("00112233-4455-6677-8899-AABBCCDDEEFF",
                                "00112233-4455-6677-8899-aabbccddeeff"));
    EXPECT_TRUE(is_same_product("33221100-5544-7766-8899-AABBCCDDEEFF",
                                "00112233-4455-6677-8899-aabbccddeeff"));
    EXPECT_FALSE(is_same_product("33221100-5544-7766-9988-AABBCCDDEEFF",
                                 "00112233-4455-6677-8899-aabbccddeeff"));
    EXPECT_FALSE(is_same_product("short", "00112233-4455-6677-8899-aabbccddeeff"));
}

TEST(Machine, IsJudgedByWhatIsKnownOfBoth) {
    const std::string a = "00112233-4455-6677-8899-aabbccddeeff";
    const std::string b = "10112233-4455-6677-8899-aabbccddeeff";
    EXPECT_EQ(judge_machine({a, "{x}"}, {a, "{x}"}).restored, false);
    EXPECT_EQ(judge_machine({a, "{x}"}, {b, "{x}"}).restored, true);
    EXPECT_EQ(judge_machine({a, "{x}"}, {a, "{y}"}).restored, true);
    EXPECT_EQ(judge_machine({"", "{x}"}, {b, "{y}"}).restored, true);
    EXPECT_EQ(judge_machine({a, ""}, {"", "{y}"}).restored, std::nullopt);
    // The identity on a restored disk is the old one until the VM agent has written the new one.
    EXPECT_EQ(judge_machine({"", "{x}"}, {b, "{x}"}).restored, std::nullopt);
}

TEST(FilesystemState, OfExtIsItsSuperblocks) {
    EXPECT_EQ(ext_state(FakeRestoreSystem::clean_ext()), JournalState::at_rest);
    EXPECT_EQ(ext_state(FakeRestoreSystem::ext_with_journal()), JournalState::holds_changes);
    std::string errors = FakeRestoreSystem::clean_ext();
    errors[58] = 3;
    EXPECT_EQ(ext_state(errors), JournalState::has_errors);
    EXPECT_EQ(ext_state(std::string(1024, '\0')), JournalState::unknown);
    EXPECT_EQ(ext_state("short"), JournalState::unknown);
}

TEST(FilesystemState, OfBtrfsIsItsLogTree) {
    std::string bytes(4096, '\0');
    EXPECT_EQ(btrfs_state(bytes), JournalState::unknown);
    bytes.replace(64, 8, "_BHRfS_M");
    EXPECT_EQ(btrfs_state(bytes), JournalState::at_rest);
    bytes[97] = 1;
    EXPECT_EQ(btrfs_state(bytes), JournalState::holds_changes);
}

constexpr std::string_view kFrozenLog =
    "xfs_logprint:\n"
    "    log tail: 32 head: 36 state: <DIRTY>\n\n"
    "TRANS: tid:0x22fb1a4a  #items:2  trans:0x22fb1a4a  q:0x55d1c5cf2c40\n"
    "BUF: cnt:2 total:2 a:0x55d1c5ce5fe0 len:24 a:0x55d1c5ce4e60 len:384 \n"
    "\tBUF:  #regs:2   start blkno:0x0   len:1   bmap size:1   flags:0x9000\n"
    "\tSUPER Block Buffer:\n";

TEST(FilesystemState, OfXfsIsWhatItsLogHoldsBesideAFreezesRecord) {
    EXPECT_EQ(xfs_log_state(kFrozenLog), JournalState::at_rest);
    EXPECT_EQ(xfs_log_state("    log tail: 2 head: 2 state: <CLEAN>\n"), JournalState::at_rest);
    // One checkpoint is one transaction, however much it holds.
    EXPECT_EQ(xfs_log_state(std::string(kFrozenLog) +
                            "TRANS: tid:0x39cbf615  #items:99  trans:0x39cbf615\n"
                            "INO: cnt:2 total:2 a:0x565359f51d90 len:56\n"),
              JournalState::holds_changes);
    // Under load one that was written back may stand before the freeze's own.
    const std::string inode =
        "TRANS: tid:0x238c3d35  #items:2  trans:0x238c3d35\n"
        "INO: cnt:2 total:2 a:0x5631bdd069c0 len:56\n";
    EXPECT_EQ(xfs_log_state("    log tail: 143 head: 147 state: <DIRTY>\n" + inode +
                            std::string(kFrozenLog)),
              JournalState::at_rest);
    EXPECT_EQ(xfs_log_state("    log tail: 143 head: 147 state: <DIRTY>\n" + inode + inode +
                            std::string(kFrozenLog)),
              JournalState::holds_changes);
    EXPECT_EQ(xfs_log_state("nothing known"), JournalState::unknown);
}

TEST(FilesystemState, OfXfsIsNotToldByTheExitCode) {
    EXPECT_EQ(xfs_damage("ALERT: The filesystem has valuable metadata changes in a log which is "
                         "being\nignored because the -n option was used.  Expect spurious "
                         "inconsistencies\nwhich may be resolved by first mounting the filesystem "
                         "to replay the log.\nsb_fdblocks 62484, counted 62943\n"
                         "        - scan (but don't clear) agi unlinked lists...\n"),
              "");
    EXPECT_EQ(xfs_damage("Phase 3\nbad CRC for inode 131\nwould have cleared inode 131\n"),
              "bad CRC for inode 131");
}

constexpr std::string_view kOrphansOfExt =
    "Pass 1: Checking inodes, blocks, and sizes\n"
    "Deleted inode 12 has zero dtime.  Fix? no\n\n"
    "Inodes that were part of a corrupted orphan linked list found.  Fix? no\n\n"
    "Inode 13 was part of the orphaned inode list.  IGNORED.\n"
    "Extended attribute block 139202 has reference count 80, should be 30.  Fix? no\n\n"
    "Pass 2: Checking directory structure\n"
    "Pass 5: Checking group summary information\n"
    "Block bitmap differences:  -(8705--8900) -(8961--9156) -9158\n"
    "Fix? no\n\n"
    "Inode bitmap differences:  -(12--13)\n"
    "Fix? no\n\n"
    "Directories count wrong for group #0 (11, counted=7).\n"
    "Fix? no\n\n"
    "Orphan file (inode 12) block 13 is not clean.\n"
    "Clear? no\n\n"
    "Failed to initialize orphan file.\n"
    "Recreate? no\n\n\n"
    "/dev/x: ********** WARNING: Filesystem still has errors **********\n\n"
    "/dev/x: 15/16384 files (0.0% non-contiguous), 10199/65536 blocks\n";

TEST(FilesystemState, OfExtKnowsFilesThatWereDeletedWhileOpen) {
    EXPECT_FALSE(ext_has_orphans(FakeRestoreSystem::clean_ext()));
    EXPECT_TRUE(ext_has_orphans(FakeRestoreSystem::ext_with_orphans()));
    std::string in_file = FakeRestoreSystem::clean_ext();
    in_file[102] = 1;
    EXPECT_TRUE(ext_has_orphans(in_file));
    EXPECT_EQ(ext_damage_beside_orphans(kOrphansOfExt), "");
    for (const std::string damage :
         {"Inode 12 (/one) has invalid mode (00).", "Block bitmap differences:  +(8705--8900)",
          "Inode 14, i_blocks is 200, should be 0.  Fix? no",
          "Extended attribute block 139202 has reference count 1, should be 30.  Fix? no",
          "Directories count wrong for group #0 (1, counted=7).",
          "Entry 'x' in / (2) has deleted/unused inode 14.  Clear? no"}) {
        EXPECT_EQ(ext_damage_beside_orphans(std::string(kOrphansOfExt) + damage), damage);
    }
}

constexpr std::string_view kOrphansOfXfs =
    "agi unlinked bucket 3 is 131 in ag 0 (inode=131)\n"
    "sb_fdblocks 64873, counted 65332\n"
    "disconnected inode 131, would move to lost+found\n"
    "disconnected dir inode 132, would move to lost+found\n"
    "would have reset inode 131 nlinks from 0 to 1\n"
    "would have reset inode 132 nlinks from 0 to 2\n";

TEST(FilesystemState, OfXfsKnowsFilesThatWereDeletedWhileOpen) {
    EXPECT_TRUE(xfs_has_orphans(kOrphansOfXfs));
    EXPECT_EQ(xfs_damage(kOrphansOfXfs), "");
    // With links it was lost, not deleted; and so it is where nothing was deleted.
    EXPECT_EQ(
        xfs_damage(std::string(kOrphansOfXfs) + "disconnected inode 140, would move to lost+found\n"
                                                "would have reset inode 140 nlinks from 1 to 2\n"),
        "disconnected inode 140, would move to lost+found");
    EXPECT_EQ(xfs_damage(kOrphansOfXfs.substr(kOrphansOfXfs.find('\n') + 1)),
              "disconnected inode 131, would move to lost+found");
}

}  // namespace
}  // namespace stillpoint
