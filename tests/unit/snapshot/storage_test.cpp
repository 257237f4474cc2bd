// SPDX-License-Identifier: Apache-2.0
#include "snapshot/storage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/golden.h"
#include "tests/support/machine.h"

namespace stillpoint {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

BackupRequest request_for(std::vector<int> luns, bool excluded = false) {
    BackupRequest request;
    request.luns = std::move(luns);
    request.any_disk_excluded = excluded;
    return request;
}

Inventory machine(const std::string& text) {
    return testing::parse_machine(text).inventory;
}

Inventory recorded(const std::string& name) {
    return machine(
        testing::read_whole_file(std::string(SP_GOLDEN_DIR) + "/plan/" + name + ".machine"));
}

std::vector<std::string> mounts_of(const StoragePlan& plan, StorageUse use) {
    std::vector<std::string> mounts;
    for (const FilesystemToMeasure& one : plan.filesystems) {
        if (one.use == use) {
            mounts.push_back(one.mount_point);
        }
    }
    return mounts;
}

std::vector<std::string> counted(const Inventory& inventory, const BackupRequest& request) {
    return mounts_of(plan_storage(inventory, request), StorageUse::counted);
}

TEST(PlanStorage, CountsEveryDiskButTheTemporaryOneWhenNoneIsExcluded) {
    const Inventory ubuntu = recorded("azure_gen2_ubuntu");
    for (const BackupRequest& request :
         {request_for({}), request_for({-1, 0, 1}), request_for({-1, 0}), request_for({}, true)}) {
        const StoragePlan plan = plan_storage(ubuntu, request);
        EXPECT_THAT(mounts_of(plan, StorageUse::counted),
                    UnorderedElementsAre("/", "/boot/efi", "/data", "/archive"));
        EXPECT_THAT(mounts_of(plan, StorageUse::temporary), ElementsAre("/mnt"));
        EXPECT_THAT(mounts_of(plan, StorageUse::loop),
                    ElementsAre("/snap/core20/2105", "/snap/lxd/27037"));
        EXPECT_TRUE(plan.network_mounted);
        EXPECT_EQ(plan.partitions, 4);  // root, /mnt, /data, /archive
    }
}

TEST(PlanStorage, CountsListedDisksAloneWhenOneIsExcluded) {
    const Inventory ubuntu = recorded("azure_gen2_ubuntu");
    EXPECT_THAT(counted(ubuntu, request_for({-1, 0}, true)),
                UnorderedElementsAre("/", "/boot/efi", "/data"));
    EXPECT_THAT(counted(ubuntu, request_for({1}, true)), ElementsAre("/archive"));
}

TEST(PlanStorage, CountsRootAloneWhenOnlyTheOsDiskIsAsked) {
    BackupRequest request = request_for({-1});
    request.only_os_disk = true;
    EXPECT_THAT(counted(recorded("azure_gen2_ubuntu"), request), ElementsAre("/"));
    EXPECT_THAT(counted(recorded("docker_host"), request), ElementsAre("/"));
}

TEST(PlanStorage, CountsAVolumeIfAllItsDisksAreListed) {
    const Inventory rhel = recorded("rhel_lvm");
    EXPECT_THAT(counted(rhel, request_for({-1, 0, 1}, true)),
                UnorderedElementsAre("/", "/boot", "/boot/efi", "/var", "/srv/data"));
    EXPECT_THAT(counted(rhel, request_for({0}, true)), IsEmpty());
    EXPECT_EQ(plan_storage(rhel, request_for({})).partitions, 5);  // with the swap volume
}

TEST(PlanStorage, CountsBtrfsOnceForAllItsMounts) {
    const StoragePlan plan = plan_storage(recorded("btrfs_subvolumes"), request_for({}));
    EXPECT_EQ(std::ranges::count(plan.filesystems, "/", &FilesystemToMeasure::mount_point), 1);
    for (const FilesystemToMeasure& one : plan.filesystems) {
        EXPECT_EQ(std::ranges::count(plan.filesystems, one.device, &FilesystemToMeasure::device), 1)
            << one.mount_point;
    }
}

TEST(PlanStorage, CountsABindMountOnceAndContainersMountsToo) {
    EXPECT_THAT(counted(machine(R"(
[mounts]
30 1 8:1 / / rw - ext4 /dev/sda1 rw
40 30 8:16 / /with\040blank rw - xfs /dev/sdb rw
41 30 8:16 /inside /srv/inside rw - xfs /dev/sdb rw
[mounts of 77]
90 89 0:50 / / rw - overlay overlay rw,upperdir=/var/up
91 90 8:32 / /volume rw - ext4 /dev/sdc rw
[devices]
disk sda 8:0
partition sda1 8:1 on=sda
disk sdb 8:16
disk sdc 8:32
)"),
                        request_for({})),
                UnorderedElementsAre("/", "/with blank", "/volume"));
}

TEST(PlanStorage, TakesSdbForADiskLikeAnyOther) {
    EXPECT_THAT(counted(machine(R"(
[mounts]
30 1 8:17 / / rw - ext4 /dev/sdb1 rw
31 30 8:1 / /mnt rw - ext4 /dev/sda1 rw
[devices]
disk sda 8:0 resource
partition sda1 8:1 on=sda
disk sdb 8:16 lun=-1
partition sdb1 8:17 on=sdb
)"),
                        request_for({-1})),
                ElementsAre("/"));
}

TEST(PlanStorage, TakesALocalNvmeDiskForATemporaryOne) {
    const StoragePlan plan = plan_storage(recorded("nvme_v6"), request_for({}));
    EXPECT_THAT(mounts_of(plan, StorageUse::temporary), ElementsAre("/local"));
    EXPECT_THAT(mounts_of(plan, StorageUse::counted), ::testing::Contains("/"));
}

TEST(PlanStorage, NeverTouchesWhatMayHang) {
    const StoragePlan plan = plan_storage(machine(R"(
[mounts]
30 1 8:1 / / rw - ext4 /dev/sda1 rw
40 30 0:60 / /nfs rw - nfs4 server:/export rw
41 40 8:16 / /nfs/disk rw - xfs /dev/sdb rw
42 30 0:61 / /ssh rw - fuse.sshfs host: rw
43 30 8:32 / /ntfs rw - fuseblk /dev/sdc rw
44 30 8:48 / /shared rw - gfs2 /dev/sdd rw
45 30 8:64 / /iscsi rw - ext4 /dev/sde rw
46 30 8:80 / /hidden rw - ext4 /dev/sdf rw
47 30 0:62 / /hidden rw - nfs server:/over rw
48 30 252:0 / /ram rw - ext4 /dev/zram0 rw
49 30 11:0 / /media ro - iso9660 /dev/sr0 ro
[devices]
disk sda 8:0
partition sda1 8:1 on=sda
disk sdb 8:16
disk sdc 8:32
disk sdd 8:48
disk sde 8:64 remote
disk sdf 8:80
other zram0 252:0
other sr0 11:0
)"),
                                          request_for({}));
    ASSERT_THAT(plan.filesystems,
                ElementsAre(::testing::Field(&FilesystemToMeasure::mount_point, std::string("/"))));
    EXPECT_THAT(plan.unreachable, UnorderedElementsAre("/nfs/disk", "/hidden"));
}

TEST(PlanStorage, UsesAnotherMountOfTheSameFilesystemWhenOneIsOutOfReach) {
    EXPECT_THAT(counted(machine(R"(
[mounts]
30 1 8:1 / / rw - ext4 /dev/sda1 rw
40 30 0:60 / /n rw - nfs4 server:/export rw
41 40 8:16 / /n/d rw - xfs /dev/sdb rw
42 30 8:16 / /srv/disk rw - xfs /dev/sdb rw
[devices]
disk sda 8:0
partition sda1 8:1 on=sda
disk sdb 8:16
)"),
                        request_for({})),
                UnorderedElementsAre("/", "/srv/disk"));
}

TEST(PlanStorage, TakesALoopDeviceWithALunForADisk) {
    EXPECT_THAT(counted(machine(R"(
[mounts]
30 1 8:1 / / rw - ext4 /dev/sda1 rw
40 30 7:3 / /trial rw - xfs /dev/loop3 rw
[devices]
disk sda 8:0
partition sda1 8:1 on=sda
loop loop3 7:3 lun=0 file=/trial.img
)"),
                        request_for({0})),
                UnorderedElementsAre("/", "/trial"));
}

StoragePlan one_of_each() {
    return {.filesystems = {{.mount_point = "/", .use = StorageUse::counted},
                            {.mount_point = "/data", .use = StorageUse::counted},
                            {.mount_point = "/mnt", .use = StorageUse::temporary},
                            {.mount_point = "/snap", .use = StorageUse::loop}},
            .unreachable = {},
            .partitions = 3,
            .network_mounted = false,
            .cap_bytes = {}};
}

TEST(MeasureStorage, AddsUpByUse) {
    const StorageFacts facts = measure_storage(
        one_of_each(), [](const FilesystemToMeasure& one) -> std::optional<std::uint64_t> {
            return one.mount_point == "/" ? 1000 : one.mount_point == "/data" ? 200 : 30;
        });
    EXPECT_EQ(facts.used_bytes, 1200U);
    EXPECT_EQ(facts.temporary_bytes, 30U);
    EXPECT_EQ(facts.loop_bytes, 30U);
    EXPECT_EQ(facts.partitions, 3);
    EXPECT_FALSE(facts.failed);
}

TEST(MeasureStorage, FailsOnlyByWhatCounts) {
    const auto without = [](const std::string& mount_point) {
        return measure_storage(one_of_each(), [&](const FilesystemToMeasure& one) {
            return one.mount_point == mount_point ? std::nullopt : std::optional<std::uint64_t>(10);
        });
    };
    EXPECT_TRUE(without("/data").failed);
    EXPECT_EQ(without("/data").used_bytes, 10U);
    EXPECT_FALSE(without("/mnt").failed);
    EXPECT_FALSE(without("/snap").failed);
    StoragePlan plan = one_of_each();
    plan.filesystems[1].namespace_pid = 77;
    EXPECT_FALSE(measure_storage(plan, [](const FilesystemToMeasure& one) {
                     return one.namespace_pid == 77 ? std::nullopt
                                                    : std::optional<std::uint64_t>(1);
                 }).failed);
    plan.unreachable = {"/nfs/disk"};
    EXPECT_TRUE(measure_storage(plan, [](const auto&) { return std::optional(1UL); }).failed);
}

TEST(MeasureStorage, NeverSaysMoreThanTheDisksMayHold) {
    StoragePlan plan = one_of_each();
    plan.cap_bytes = plan_storage({}, request_for({-1, 0})).cap_bytes;
    const auto facts = measure_storage(
        plan, [](const auto&) { return std::optional<std::uint64_t>(std::uint64_t{3} << 40); });
    EXPECT_EQ(facts.used_bytes, std::uint64_t{2} << 40);
    EXPECT_EQ(plan_storage({}, request_for({})).cap_bytes, std::nullopt);
}

}  // namespace
}  // namespace stillpoint
