// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "tests/unit/restore/restored_machine.h"

namespace stillpoint {
namespace {

using testing::all_of_it;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::RestoredMachine;

/// With as many kinds of steps as one run can have.
void make_it_hard(RestoredMachine& machine) {
    machine.system.files.erase("/etc/crypttab");
    machine.system.files["/etc/fstab"] = "/dev/mapper/osencrypt / ext4 defaults 0 1\n";
    machine.system.add_disk("sdg", testing::kGib, {"crypto_LUKS", "uuid-3", "", false});
    machine.system.add_header("/dev/sdg", testing::luks("uuid-3"), RestoredMachine::key(0));
    machine.system.add_inside("/dev/sdg", RestoredMachine::key(0),
                              {"LVM2_member", "pv-1", "", false});
    machine.system.add_group(
        {"vg-uuid", "vgdata", {"pv-1"}, {{"lv", {"ext4", "fs-lv", "", false}}}});
    EncryptedVolume volume;
    volume.mapper = "vol3";
    volume.header = testing::luks("uuid-3");
    volume.of_azure = true;
    volume.volume_groups = {"vgdata"};
    volume.device_path = "/dev/sdg";
    volume.mounts = {{"/lv", "ext4", "fs-lv", "/dev/vgdata/lv"}};
    machine.restore.point->encryption.volumes.push_back(volume);
    machine.remember("/var/lib/stillpoint/task", true);
}

int changes_of_a_whole_run() {
    RestoredMachine whole;
    make_it_hard(whole);
    const ReinstallResult result = whole.apply();
    EXPECT_EQ(exit_code_of(result), 0) << all_of_it(result);
    EXPECT_THAT(whole.mounted(), Contains("/lv"));
    return whole.system.changes();
}

TEST(Rollback, AFailureForAllLeavesEverythingAsItWasAndOneOfAVolumeThatVolume) {
    const int last = changes_of_a_whole_run();
    ASSERT_GT(last, 15);
    int for_all = 0;
    int for_one = 0;
    for (const bool automatic : {false, true}) {
        for (int at = 1; at <= last; ++at) {
            RestoredMachine machine;
            make_it_hard(machine);
            machine.system.auto_activation = automatic;
            const std::string before = machine.system.state();
            machine.system.fail_change = at;
            const ReinstallResult result = machine.apply();
            EXPECT_THAT(result.not_put_back, IsEmpty()) << at << all_of_it(result);
            if (result.failure) {
                ++for_all;
                EXPECT_EQ(exit_code_of(result), 1) << at;
                EXPECT_EQ(machine.system.state(), before) << at << all_of_it(result);
                EXPECT_THAT(reinstall_json(result), HasSubstr("failed_and_rolled_back"));
                continue;
            }
            if (machine.system.changes() < at) {
                continue;  // automatic activation needs fewer
            }
            ++for_one;
            ASSERT_EQ(result.plan.left.size(), 1U) << at << all_of_it(result);
            const std::string& volume = result.plan.left[0].what;
            EXPECT_EQ(exit_code_of(result), 3) << at;
            EXPECT_THAT(result.plan.left[0].why, HasSubstr("made to fail")) << at;
            EXPECT_THAT(machine.system.state(),
                        Not(HasSubstr("/dev/mapper/" + volume + " " + volume + "\n")))
                << at << all_of_it(result);
            // The three others are there.
            EXPECT_EQ(machine.mounted().size(), 4U) << at << all_of_it(result);
        }
    }
    EXPECT_GT(for_all, 5);
    EXPECT_GT(for_one, 10);
}

TEST(Rollback, NothingIsTakenBackThatWouldNotFitALastingChange) {
    RestoredMachine machine;
    make_it_hard(machine);
    EncryptionHeader header = testing::luks("uuid-0");
    header.state = HeaderState::one_copy_damaged;
    machine.system.add_header("/dev/sdc", header, RestoredMachine::key(0));
    machine.restore.choices.repair_headers = true;
    // The table is written after the header was repaired.
    machine.system.fail_replace_of = "/etc/fstab";
    const ReinstallResult result = machine.apply();

    EXPECT_EQ(exit_code_of(result), 1);
    EXPECT_THAT(reinstall_json(result), HasSubstr("failed_after_a_lasting_change"));
    EXPECT_THAT(reinstall_text(result), HasSubstr("Done, and stays"));
    EXPECT_THAT(machine.system.commands(), Contains(HasSubstr("mode repair")));
    EXPECT_THAT(machine.system.state(), Not(HasSubstr("/dev/mapper/vol1 vol1\n")));
    EXPECT_EQ(machine.system.files.count("/etc/crypttab"), 0U);
}

TEST(Rollback, ASignalTakesEverythingBack) {
    for (int steps = 0; steps < 6; ++steps) {
        RestoredMachine machine;
        make_it_hard(machine);
        const std::string before = machine.system.state();
        int asked = 0;
        machine.stopped = [&] { return asked++ == steps; };
        const ReinstallResult result = machine.apply();
        EXPECT_EQ(exit_code_of(result), 1);
        EXPECT_THAT(result.failure->sentence(), HasSubstr("signal"));
        EXPECT_EQ(machine.system.state(), before) << steps;
    }
}

TEST(Rollback, SaysWhatCouldNotBePutBack) {
    RestoredMachine machine;
    make_it_hard(machine);
    machine.system.fail_replace_of = "/etc/fstab";
    machine.system.fail_undo = true;
    const ReinstallResult result = machine.apply();

    EXPECT_EQ(exit_code_of(result), 1);
    ASSERT_FALSE(result.not_put_back.empty());
    EXPECT_EQ(result.not_put_back.front().code(), Code::rollback_incomplete);
    EXPECT_THAT(reinstall_json(result), HasSubstr("\"rollback_incomplete\""));
    EXPECT_THAT(reinstall_text(result), HasSubstr("Could not be put back"));
}

TEST(Rollback, ASignalDuringTheLastLookTakesEverythingBack) {
    RestoredMachine machine;
    make_it_hard(machine);
    const std::string before = machine.system.state();
    int last = 0;
    machine.stopped = [&] {
        ++last;
        return false;
    };
    (void)machine.apply();

    RestoredMachine stopped;
    make_it_hard(stopped);
    stopped.stopped = [&] { return --last == 0; };
    const ReinstallResult result = stopped.apply();
    EXPECT_EQ(exit_code_of(result), 1);
    EXPECT_TRUE(result.done.empty());
    EXPECT_EQ(stopped.system.state(), before);
}

}  // namespace
}  // namespace stillpoint
