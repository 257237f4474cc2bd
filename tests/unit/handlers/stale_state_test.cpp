// SPDX-License-Identifier: Apache-2.0
#include "handlers/stale_state.h"

#include <gmock/gmock.h>

namespace stillpoint {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const std::string kTask = "task_identity_FD76C85E-406F-4CFA-8EB0-CF18B123365C";
const std::string kMachine = "machine_identity_FD76C85E-406F-4CFA-8EB0-CF18B123365C";
const std::string kUnique = "/etc/azure/machine_identity_FD76C85E-406F-4CFA-8EB0-CF18B123358B";

std::vector<StateText> files(const std::string& identity) {
    return {{"/ext/mrseq", "7"},
            {"/ext/" + kTask, "a task"},
            {"/ext/" + kMachine, identity},
            {kUnique, identity.substr(1, identity.size() - 2)}};
}

TEST(StaleState, OfAnotherMachineIsForgotten) {
    const StateReset reset = reset_stale_state(files("{old}"), {true, "{old}", "{new}"});
    EXPECT_THAT(reset.to_remove,
                ElementsAre("/ext/mrseq", "/ext/" + kTask, "/ext/" + kMachine, kUnique));
    EXPECT_THAT(reset.undecided, IsEmpty());
}

TEST(StaleState, IsForgottenThoughTheVmAgentStillHasTheOldName) {
    const StateReset reset = reset_stale_state(files("{old}"), {true, "{old}", "{old}"});
    EXPECT_THAT(reset.to_remove,
                ElementsAre("/ext/mrseq", "/ext/" + kTask, "/ext/" + kMachine, kUnique));
    EXPECT_EQ(reset_stale_state(files("{old}"), {true, "{old}", ""}), reset);
}

TEST(StaleState, WrittenSinceTheRestoreStays) {
    EXPECT_EQ(reset_stale_state(files("{new}\n"), {true, "{old}", "{new}"}).to_remove,
              std::vector<std::string>{kUnique});
    EXPECT_EQ(reset_stale_state(files("{new}"), {true, "{old}", "{new}"}), StateReset{});
}

TEST(StaleState, OfTheMachineThatWasBackedUpStays) {
    EXPECT_EQ(reset_stale_state(files("{one}"), {false, "{one}", "{one}"}), StateReset{});
    // Its vault knows it by a name that the VM agent no longer uses.
    EXPECT_EQ(reset_stale_state(files("{one}"), {false, "{one}", "{another}"}), StateReset{});
}

TEST(StaleState, IsLeftWhereNobodyCanTell) {
    const StateReset reset = reset_stale_state(files("{old}"), {std::nullopt, "", ""});
    EXPECT_THAT(reset.to_remove, IsEmpty());
    EXPECT_THAT(reset.undecided,
                ElementsAre("/ext/mrseq", "/ext/" + kTask, "/ext/" + kMachine, kUnique));
    // What a folder says of itself can be told.
    const StateReset named = reset_stale_state(files("{old}"), {std::nullopt, "", "{new}"});
    EXPECT_THAT(named.to_remove, ElementsAre("/ext/mrseq", "/ext/" + kTask, "/ext/" + kMachine));
    EXPECT_THAT(named.undecided, ElementsAre(kUnique));
}

TEST(StaleState, OfOtherExtensionsIsNobodysHere) {
    const std::string waagent = "/var/lib/waagent/";
    const std::string ours = waagent + "Microsoft.Azure.RecoveryServices.VMSnapshotLinux-1.0.9";
    const std::vector<StateText> files = {
        {waagent + "Microsoft.Azure.Extensions.CustomScript-2.1.10/mrseq", "3"},
        {waagent + "Microsoft.Azure.Security.AzureDiskEncryptionForLinux-1.4.0.2/mrseq", "1"},
        {ours + "/mrseq", "7"}};
    for (const std::optional<bool> restored : {std::optional(true), std::optional<bool>()}) {
        const StateReset reset = reset_stale_state(files, {restored, "{old}", "{new}"});
        EXPECT_THAT(reset.to_remove, restored ? std::vector<std::string>{ours + "/mrseq"}
                                              : std::vector<std::string>());
        EXPECT_THAT(reset.undecided, restored ? std::vector<std::string>()
                                              : std::vector<std::string>{ours + "/mrseq"});
    }
}

TEST(StaleState, KnowsItsFilesByName) {
    EXPECT_TRUE(is_state_file("mrseq"));
    EXPECT_TRUE(is_state_file(kMachine));
    EXPECT_FALSE(is_state_file("passport.json"));
}

}  // namespace
}  // namespace stillpoint
