// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "snapshot/plan.h"
#include "tests/support/golden.h"
#include "tests/support/machine.h"

namespace stillpoint {
namespace {

class PlanOf : public ::testing::TestWithParam<const char*> {};

TEST_P(PlanOf, TheMachineIsAsWritten) {
    const std::string name = std::string("plan/") + GetParam();
    const testing::Machine machine = testing::parse_machine(
        testing::read_whole_file(std::string(SP_GOLDEN_DIR) + "/" + name + ".machine"));

    const auto plan = plan_hold(machine.inventory, machine.selection);

    ASSERT_TRUE(plan) << plan.error().describe();
    testing::expect_golden(name + ".txt", testing::render(*plan));
}

INSTANTIATE_TEST_SUITE_P(Machines, PlanOf,
                         ::testing::Values("azure_gen2_ubuntu", "rhel_lvm", "docker_host",
                                           "btrfs_subvolumes", "luks_lvm", "md_raid", "nvme_v6"),
                         [](const auto& one) { return std::string(one.param); });

}  // namespace
}  // namespace stillpoint
