// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/linux_inventory.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temp_tree.h"

namespace stillpoint::linux_os {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// A /proc and a /sys of the test's own.
struct Machine : ::testing::Test {
    Machine() {
        tree.folder("sys/class/block");
        tree.write("proc/self/mountinfo",
                   "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n"
                   "2 1 0:5 / /proc rw - proc proc rw\n");
        tree.link("mnt:[1]", "proc/self/ns/mnt");
    }
    void process(const std::string& pid, const std::string& mount_namespace,
                 const std::string& mountinfo) const {
        tree.link(mount_namespace, "proc/" + pid + "/ns/mnt");
        tree.link("/bin/true", "proc/" + pid + "/exe");
        tree.write("proc/" + pid + "/mountinfo", mountinfo);
    }
    Result<Inventory> read() const {
        return LinuxInventory(tree.root() + "/proc", tree.root() + "/sys").read();
    }
    testing::TempTree tree;
};

std::vector<std::string> mount_points(const Inventory& inventory) {
    std::vector<std::string> found;
    for (const Mount& mount : inventory.mounts) {
        found.push_back(std::to_string(mount.namespace_pid) + ":" + mount.mount_point);
    }
    return found;
}

TEST_F(Machine, ShowsWhatOnlyAContainerHasMounted) {
    process("1", "mnt:[1]", "never read\n");
    process("70", "mnt:[9]",
            "50 49 8:1 /var/lib/x / rw - ext4 /dev/sda1 rw\n"
            "51 50 8:16 / /volume rw - xfs /dev/sdb rw\n"
            "52 50 8:16 /a /part rw - xfs /dev/sdb rw\n");
    process("9", "mnt:[8]", "60 59 8:32 / /other rw - xfs /dev/sdc rw\n");
    process("71", "mnt:[9]", "never read\n");

    const auto inventory = read();

    ASSERT_TRUE(inventory);
    EXPECT_THAT(mount_points(*inventory),
                ElementsAre("0:/", "0:/proc", "9:/other", "70:/volume", "70:/part"));
    EXPECT_THAT(inventory->gaps, IsEmpty());
}

TEST_F(Machine, DoesNotEnterByAKernelThread) {
    process("20", "mnt:[5]", "50 49 8:16 / /x rw - xfs /dev/sdb rw\n");
    boost::filesystem::remove(tree.root() + "/proc/20/exe");
    process("21", "mnt:[5]", "50 49 8:16 / /x rw - xfs /dev/sdb rw\n");

    const auto inventory = read();

    ASSERT_TRUE(inventory);
    EXPECT_THAT(mount_points(*inventory), Contains("21:/x"));
}

TEST_F(Machine, GoesOnWithoutAProcessThatVanishes) {
    tree.link("mnt:[7]", "proc/30/ns/mnt");
    tree.link("/bin/true", "proc/30/exe");
    tree.folder("proc/31");

    const auto inventory = read();

    ASSERT_TRUE(inventory);
    EXPECT_EQ(inventory->mounts.size(), 2U);
    EXPECT_THAT(inventory->gaps, IsEmpty());
}

TEST_F(Machine, ReadsSwapAreas) {
    tree.write("proc/swaps", "Filename Type Size Used Priority\n/swapfile file 1 0 -2\n");

    const auto inventory = read();

    ASSERT_TRUE(inventory);
    EXPECT_THAT(inventory->swaps, ElementsAre(SwapArea{.path = "/swapfile", .file = true}));
}

TEST_F(Machine, IsUnreadableWithoutAMountTable) {
    boost::filesystem::remove(tree.root() + "/proc/self/mountinfo");
    const auto missing = read();
    tree.write("proc/self/mountinfo", "nonsense\n");
    const auto broken = read();

    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code(), Code::inventory_unreadable);
    EXPECT_THAT(missing.error().describe(), HasSubstr("/self/mountinfo"));
    ASSERT_FALSE(broken);
    EXPECT_EQ(broken.error().code(), Code::inventory_unreadable);
}

TEST(LinuxInventory, ReadsThisMachine) {
    const auto inventory = LinuxInventory().read();

    ASSERT_TRUE(inventory) << inventory.error().describe();
    EXPECT_THAT(mount_points(*inventory), Contains("0:/"));
    const auto root = std::ranges::find_if(inventory->mounts, [](const Mount& mount) {
        return mount.namespace_pid == 0 && mount.mount_point == "/";
    });
    ASSERT_NE(root, inventory->mounts.end());
    EXPECT_FALSE(root->type.empty());
}

}  // namespace
}  // namespace stillpoint::linux_os
