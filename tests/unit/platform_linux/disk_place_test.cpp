// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/disk_place.h"

#include <gtest/gtest.h>

namespace stillpoint::linux_os {
namespace {

constexpr char kGen2Os[] = "{f8b3781a-1e82-4818-a1c3-63d806ec15bb}";

DiskFacts scsi(const std::string& vmbus_id, const std::string& lun) {
    return {
        .name = "sdx",
        .path = "/sys/devices/LNXSYSTM:00/VMBUS:00/x/host3/target3:0:0/3:0:0:" + lun + "/block/sdx",
        .vendor = "Msft",
        .model = "Virtual Disk",
        .vmbus_id = vmbus_id};
}

DiskFacts nvme(const std::string& model, int nsid) {
    return {.name = "nvme0n1",
            .path = "/sys/devices/pci0000:00/0000:00:02.0/nvme/nvme0/nvme0n1",
            .model = model,
            .transport = "pcie",
            .nsid = nsid};
}

TEST(PlaceOf, KnowsTheDisksOfAFirstGenerationMachine) {
    EXPECT_EQ(place_of(scsi("{00000000-0000-8899-0000-000000000000}", "0")), DiskPlace{.lun = -1});
    EXPECT_EQ(place_of(scsi("{00000000-0001-8899-0000-000000000000}", "0")),
              DiskPlace{.resource_disk = true});
}

TEST(PlaceOf, KnowsTheDisksOfASecondGenerationMachine) {
    EXPECT_EQ(place_of(scsi(kGen2Os, "0")), DiskPlace{.lun = -1});
    EXPECT_EQ(place_of(scsi(kGen2Os, "1")), DiskPlace{.resource_disk = true});
    EXPECT_EQ(place_of(scsi(kGen2Os, "2")), DiskPlace{});
}

TEST(PlaceOf, KnowsDataDisksByTheirLun) {
    for (const char* controller :
         {"{f8b3781b-1e82-4818-a1c3-63d806ec15bb}", "{f8b3781c-1e82-4818-a1c3-63d806ec15bb}",
          "{f8b3781d-1e82-4818-a1c3-63d806ec15bb}"}) {
        EXPECT_EQ(place_of(scsi(controller, "0")), DiskPlace{.lun = 0});
        EXPECT_EQ(place_of(scsi(controller, "63")), DiskPlace{.lun = 63});
    }
}

TEST(PlaceOf, KnowsNvmeDisks) {
    EXPECT_EQ(place_of(nvme("MSFT NVMe Accelerator v1.0", 1)), DiskPlace{.lun = -1});
    EXPECT_EQ(place_of(nvme("MSFT NVMe Accelerator v1.0", 2)), DiskPlace{.lun = 0});
    EXPECT_EQ(place_of(nvme("MSFT NVMe Accelerator v1.0", 9)), DiskPlace{.lun = 7});
    EXPECT_EQ(place_of(nvme("Microsoft NVMe Direct Disk", 1)), DiskPlace{.local = true});
    EXPECT_EQ(place_of(nvme("Microsoft NVMe Direct Disk v2", 1)), DiskPlace{.local = true});
    EXPECT_EQ(place_of(nvme("Somebody's SSD", 1)), DiskPlace{});
}

TEST(PlaceOf, KnowsDisksOfOtherMachines) {
    const DiskPlace remote{.remote = true};
    DiskFacts iscsi;
    iscsi.name = "sdc";
    iscsi.path = "/sys/devices/platform/host4/session1/target4:0:0/4:0:0:1/block/sdc";
    DiskFacts fibre_channel;
    fibre_channel.name = "sdd";
    fibre_channel.path = "/sys/devices/pci0/host1/rport-1:0-3/target1:0:0/1:0:0:0/block/sdd";
    DiskFacts over_tcp = nvme("Linux", 1);
    over_tcp.transport = "tcp";

    EXPECT_EQ(place_of(iscsi), remote);
    EXPECT_EQ(place_of(fibre_channel), remote);
    EXPECT_EQ(place_of(over_tcp), remote);
    EXPECT_EQ(place_of({.name = "nbd3", .path = "/sys/devices/virtual/block/nbd3"}), remote);
    EXPECT_EQ(place_of({.name = "rbd0", .path = "/sys/devices/rbd/0/block/rbd0"}), remote);
}

TEST(PlaceOf, SaysNothingOfWhatItDoesNotKnow) {
    EXPECT_EQ(place_of({.name = "vda", .path = "/sys/devices/pci0/virtio0/block/vda"}),
              DiskPlace{});
    // Not the platform's disk, although it lies under a controller with a known number.
    DiskFacts other = scsi(kGen2Os, "0");
    other.model = "Other Disk";
    EXPECT_EQ(place_of(other), DiskPlace{});
    EXPECT_EQ(place_of(scsi("{12345678-0000-0000-0000-000000000000}", "4")), DiskPlace{});
}

}  // namespace
}  // namespace stillpoint::linux_os
