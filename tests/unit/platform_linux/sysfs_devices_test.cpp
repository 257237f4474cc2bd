// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/sysfs_devices.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temp_tree.h"

namespace stillpoint::linux_os {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// A sysfs as a second-generation machine shows it: a disk on the VMBus, LVM on LUKS, a loop.
struct Sysfs : ::testing::Test {
    static constexpr char kVmbus[] = "devices/VMBUS:00/f8b3781b-1e82-4818-a1c3-63d806ec15bb";

    void device(const std::string& path, const std::string& number) {
        tree.write(path + "/dev", number + "\n");
        tree.write(path + "/size", "2048\n");
        tree.write(path + "/ro", "0\n");
        tree.link("../../" + path, "class/block/" + path.substr(path.rfind('/') + 1));
    }
    const BlockDevice& named(const std::string& name) {
        auto read = SysfsDevices(tree.root()).block_devices();
        EXPECT_TRUE(read);
        devices = *std::move(read);
        const auto found = std::ranges::find(devices, name, &BlockDevice::name);
        EXPECT_NE(found, devices.end()) << name;
        return *found;
    }

    std::string disk = std::string(kVmbus) + "/host1/target1:0:0/1:0:0:5/block/sdc";
    std::vector<BlockDevice> devices;
    testing::TempTree tree;
};

TEST_F(Sysfs, ShowsADiskWithItsPlaceAndItsPartition) {
    device(disk, "8:32");
    device(disk + "/sdc1", "8:33");
    tree.write(disk + "/sdc1/partition", "1\n");
    tree.write(disk + "/queue/iostats", "0\n");
    tree.write(disk + "/device/vendor", "Msft    \n");
    tree.write(disk + "/device/model", "Virtual Disk    \n");
    tree.write(std::string(kVmbus) + "/device_id", "{f8b3781b-1e82-4818-a1c3-63d806ec15bb}\n");

    EXPECT_EQ(named("sdc"), (BlockDevice{.name = "sdc",
                                         .number = {8, 32},
                                         .kind = BlockKind::disk,
                                         .size_bytes = 1048576,
                                         .disk = "sdc",
                                         .place = {.lun = 5},
                                         .counters_on = false}));
    EXPECT_EQ(named("sdc1"), (BlockDevice{.name = "sdc1",
                                          .number = {8, 33},
                                          .kind = BlockKind::partition,
                                          .size_bytes = 1048576,
                                          .disk = "sdc",
                                          .below = {"sdc"},
                                          .counters_on = false}));
}

TEST_F(Sysfs, TellsTheKindsOfStackedDevices) {
    const std::string virtual_block = "devices/virtual/block/";
    const auto mapper = [&](const std::string& name, const std::string& number,
                            const std::string& uuid) {
        device(virtual_block + name, number);
        tree.write(virtual_block + name + "/dm/name", "name-of-" + name + "\n");
        tree.write(virtual_block + name + "/dm/uuid", uuid + "\n");
        tree.link("../../sdc", virtual_block + name + "/slaves/sdc");
    };
    mapper("dm-0", "253:0", "CRYPT-LUKS2-00-luks");
    mapper("dm-1", "253:1", "LVM-abc");
    mapper("dm-2", "253:2", "mpath-360");
    mapper("dm-3", "253:3", "");
    device(virtual_block + "md0", "9:0");
    tree.folder(virtual_block + "md0/md");
    tree.link("../../sdc", virtual_block + "md0/slaves/sdc");
    tree.link("../../sdd", virtual_block + "md0/slaves/sdd");

    EXPECT_EQ(named("dm-0").kind, BlockKind::dm_crypt);
    EXPECT_EQ(named("dm-0").dm_name, "name-of-dm-0");
    EXPECT_EQ(named("dm-0").below, (std::vector<std::string>{"sdc"}));
    EXPECT_EQ(named("dm-1").kind, BlockKind::dm_lvm);
    EXPECT_EQ(named("dm-2").kind, BlockKind::dm_multipath);
    EXPECT_EQ(named("dm-3").kind, BlockKind::dm_other);
    EXPECT_EQ(named("md0").kind, BlockKind::md);
    EXPECT_EQ(named("md0").below, (std::vector<std::string>{"sdc", "sdd"}));
}

TEST_F(Sysfs, ShowsALoopDevicesFile) {
    device("devices/virtual/block/loop3", "7:3");
    tree.write("devices/virtual/block/loop3/loop/backing_file", "/data/with space.img\n");
    tree.write("devices/virtual/block/loop3/ro", "1\n");

    EXPECT_EQ(named("loop3").kind, BlockKind::loop);
    EXPECT_EQ(named("loop3").backing_file, "/data/with space.img");
    EXPECT_TRUE(named("loop3").read_only);
}

TEST_F(Sysfs, ReadsTheNvmeNamespaceNumber) {
    const std::string path = "devices/pci0/nvme/nvme0/nvme0n3";
    device(path, "259:4");
    tree.write(path + "/nsid", "3\n");
    tree.write("devices/pci0/nvme/nvme0/model", "MSFT NVMe Accelerator v1.0              \n");
    tree.write("devices/pci0/nvme/nvme0/transport", "pcie\n");
    tree.link("../../nvme0", path + "/device");

    EXPECT_EQ(named("nvme0n3").place, DiskPlace{.lun = 1});
}

TEST_F(Sysfs, FindsTheTransportOfAMultipathNvmeDisk) {
    const std::string path = "devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1";
    device(path, "259:0");
    tree.write("devices/virtual/nvme-subsystem/nvme-subsys0/nvme0/transport", "tcp\n");
    tree.link("../../nvme-subsys0", path + "/device");

    EXPECT_EQ(named("nvme0n1").place, DiskPlace{.remote = true});
}

TEST_F(Sysfs, DoesNotTakeZramOrACdromForADisk) {
    device("devices/virtual/block/zram0", "252:0");
    device("devices/virtual/block/sr0", "11:0");

    EXPECT_EQ(named("zram0").kind, BlockKind::other);
    EXPECT_EQ(named("sr0").kind, BlockKind::other);
}

TEST_F(Sysfs, LeavesOutWhatHasNoNumber) {
    tree.folder("class/block/nvme0c0n1");

    const auto read = SysfsDevices(tree.root()).block_devices();

    ASSERT_TRUE(read);
    EXPECT_THAT(*read, IsEmpty());
}

TEST_F(Sysfs, ShowsTheDevicesOfEachBtrfs) {
    tree.folder("fs/btrfs/features");
    tree.link("../../../../x/sdd", "fs/btrfs/0c8b/devices/sdd");
    tree.link("../../../../x/sdc1", "fs/btrfs/0c8b/devices/sdc1");

    EXPECT_THAT(SysfsDevices(tree.root()).btrfs(),
                ElementsAre(BtrfsFilesystem{.uuid = "0c8b", .devices = {"sdc1", "sdd"}}));
}

TEST_F(Sysfs, FailsWhereThereIsNone) {
    const auto read = SysfsDevices(tree.root()).block_devices();

    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code(), Code::inventory_unreadable);
}

}  // namespace
}  // namespace stillpoint::linux_os
