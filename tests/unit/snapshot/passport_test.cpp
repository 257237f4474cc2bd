// SPDX-License-Identifier: Apache-2.0
#include "snapshot/passport.h"

#include <gtest/gtest.h>

#include "tests/fakes/fake_file_store.h"

namespace stillpoint {
namespace {

Passport example() {
    Passport passport;
    passport.agent_version = "0.1.0.0";
    passport.machine_identity = "m-1";
    passport.task_id = "task-1";
    passport.nonce = "n-1";
    passport.time = WallTime(std::chrono::milliseconds(1'795'382'252'480));
    passport.disks = {"sda"};
    BlockDevice disk;
    disk.name = disk.disk = "sda";
    disk.number = {8, 0};
    disk.kind = BlockKind::disk;
    disk.size_bytes = 1024;
    disk.place.lun = -1;
    BlockDevice crypt;
    crypt.name = crypt.disk = "dm-0";
    crypt.number = {253, 0};
    crypt.kind = BlockKind::dm_crypt;
    crypt.below = {"sda"};
    crypt.dm_name = "data";
    crypt.dm_uuid = "CRYPT-LUKS2-1-data";
    passport.inventory.devices = {disk, crypt};
    Mount mount;
    mount.device = {253, 0};
    mount.root = "/";
    mount.mount_point = "/d\xC3\xA4ta";
    mount.type = "ext4";
    mount.source = "/dev/mapper/data";
    mount.super_options = "rw,password=SECRET";
    passport.inventory.mounts = {mount};
    passport.inventory.gaps = {"swaps not read"};
    return passport;
}

TEST(Passport, DescribesTheMachineAndHoldsNoSecret) {
    EXPECT_EQ(render_passport(example()), R"({
  "format": 1,
  "agent": "0.1.0.0",
  "machine": "m-1",
  "task": "task-1",
  "nonce": "n-1",
  "milliseconds_since_1970": 1795382252480,
  "snapshotted_disks": ["sda"],
  "devices": [
    {"name":"sda","number":"8:0","kind":"disk","bytes":1024,"disk":"sda","below":[],"lun":-1},
    {"name":"dm-0","number":"253:0","kind":"crypt","bytes":0,"disk":"dm-0","below":["sda"],"mapped_name":"data","mapped_uuid":"CRYPT-LUKS2-1-data"}
  ],
  "btrfs": [],
  "mounts": [
    {"mount_point":"/d\u00e4ta","device":"253:0","root":"/","type":"ext4","source":"/dev/mapper/data","own_namespace":true}
  ],
  "gaps": ["swaps not read"]
}
)");
}

TEST(Passport, IsWrittenWhole) {
    testing::FakeFileStore folder;
    ASSERT_TRUE(write_passport(folder, example()));
    EXPECT_EQ(folder.content("passport.json"), render_passport(example()));
}

}  // namespace
}  // namespace stillpoint
