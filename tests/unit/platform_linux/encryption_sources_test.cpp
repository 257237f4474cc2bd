// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platform/linux/linux_encryption_sources.h"
#include "platform/linux/local_paths.h"
#include "platform/linux/vfat_support.h"
#include "tests/support/temp_tree.h"

namespace stillpoint::linux_os {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

Mount mount(const std::string& mount_point, const std::string& type, DeviceNumber device) {
    Mount mount;
    mount.mount_point = mount_point;
    mount.type = type;
    mount.device = device;
    return mount;
}

class EncryptionSourcesOf : public ::testing::Test {
protected:
    EncryptionSourcesOf() { inventory_.mounts = {mount("/", "ext4", {8, 1})}; }

    std::string at(const std::string& path) const { return tree_.root() + path; }
    LocalPaths paths() const { return {inventory_, tree_.root()}; }
    EncryptionSources read() const {
        return LinuxEncryptionSources(tree_.root(), at("/dev")).read(inventory_);
    }

    testing::TempTree tree_;
    Inventory inventory_;
};

TEST_F(EncryptionSourcesOf, FollowsLinksWithoutLeavingTheRoot) {
    tree_.write("data/key", "x");
    tree_.link("/data", "absolute");
    tree_.link("../../../../data/key", "deep/relative");
    tree_.link("loop", "loop");

    const auto by_absolute = paths().find("/absolute/key");
    ASSERT_TRUE(by_absolute);
    EXPECT_EQ(by_absolute->path, at("/data/key"));
    EXPECT_EQ(by_absolute->device, (DeviceNumber{8, 1}));
    const auto by_relative = paths().find("/deep/relative");
    ASSERT_TRUE(by_relative);
    EXPECT_EQ(by_relative->path, at("/data/key"));
    EXPECT_FALSE(paths().find("/loop"));
    EXPECT_FALSE(paths().find("/missing"));
}

TEST_F(EncryptionSourcesOf, TouchesNothingThatMayHang) {
    tree_.write("net/key", "x");
    tree_.link("/net/key", "key");
    inventory_.mounts.push_back(mount(at("/net"), "nfs4", {0, 50}));
    EXPECT_FALSE(paths().find("/net/key"));
    EXPECT_FALSE(paths().find("/key"));

    inventory_.mounts.push_back(mount(at("/net"), "xfs", {8, 17}));  // on top of it
    EXPECT_EQ(paths().find("/key").value_or(LocalPaths::Place()).device, (DeviceNumber{8, 17}));
}

TEST_F(EncryptionSourcesOf, ReadsTablesAndNamesOfFiles) {
    tree_.write("etc/crypttab", "c /dev/sdc none luks\n");
    tree_.write("var/lib/azure_disk_encryption_config/azure_crypt_config.ini", "[x]\n");
    tree_.write("var/lib/azure_disk_encryption_config/azureluksheaderm", "x");
    tree_.write("boot/luks/osluksheader", "x");
    tree_.folder("var/lib/waagent/Microsoft.Azure.Security.AzureDiskEncryptionForLinux-1.4.0.5");
    tree_.write("var/lib/waagent/Microsoft.Azure.Security.AzureDiskEncryptionForLinux-1.5.zip", "");

    const EncryptionSources sources = read();

    EXPECT_EQ(sources.crypttab, "c /dev/sdc none luks\n");
    EXPECT_EQ(sources.fstab, std::nullopt);
    EXPECT_EQ(sources.azure_crypt_config, "[x]\n");
    EXPECT_THAT(sources.azure_config_names,
                ElementsAre("azure_crypt_config.ini", "azureluksheaderm"));
    ASSERT_EQ(sources.header_files.size(), 2U);
    EXPECT_EQ(sources.header_files[0].path, "/boot/luks/osluksheader");
    EXPECT_EQ(sources.header_files[0].read_path, at("/boot/luks/osluksheader"));
    EXPECT_THAT(sources.ade_versions, ElementsAre("1.4.0.5"));
    EXPECT_THAT(sources.gaps, IsEmpty());
}

TEST_F(EncryptionSourcesOf, NamesATableThatIsNoFile) {
    tree_.folder("etc/crypttab");

    EXPECT_THAT(read().gaps, ElementsAre("'/etc/crypttab' is no plain file, or larger than 1 MiB"));
}

TEST_F(EncryptionSourcesOf, FindsTheBekVolumeByItsLabelAndListsIt) {
    tree_.link("../../sdb1", "dev/disk/by-label/BEK\\x20VOLUME");
    tree_.link("../../../sdc", "dev/disk/azure/scsi1/lun0");
    tree_.link("../dm-0", "dev/mapper/data");
    tree_.write("bek/LinuxPassPhraseFileName", "key");
    inventory_.mounts.push_back(mount(at("/bek"), "vfat", {8, 17}));
    BlockDevice device;
    device.name = "sdb1";
    device.number = {8, 17};
    inventory_.devices = {device};

    const EncryptionSources sources = read();

    EXPECT_THAT(sources.links,
                UnorderedElementsAre(Pair("/dev/disk/by-label/BEK\\x20VOLUME", "sdb1"),
                                     Pair("/dev/disk/azure/scsi1/lun0", "sdc"),
                                     Pair("/dev/mapper/data", "dm-0")));
    EXPECT_EQ(sources.bek_device, "sdb1");
    EXPECT_EQ(sources.bek_mount_point, at("/bek"));
    EXPECT_THAT(sources.bek_names, ElementsAre("LinuxPassPhraseFileName"));
}

TEST_F(EncryptionSourcesOf, FindsTheBekVolumeWhereItIsMountedWhenNoLinkIsThere) {
    inventory_.mounts.push_back(mount("/mnt/azure_bek_disk", "vfat", {8, 17}));
    BlockDevice device;
    device.name = "sdb1";
    device.number = {8, 17};
    inventory_.devices = {device};

    EXPECT_EQ(read().bek_device, "sdb1");
}

TEST_F(EncryptionSourcesOf, KnowsWhetherVfatIsThere) {
    EXPECT_EQ(why_no_vfat(tree_.root()), "the kernel has no vfat filesystem");

    tree_.write("lib/modules/6.1/modules.dep", "kernel/fs/fat/vfat.ko: kernel/fs/fat/fat.ko\n");
    EXPECT_EQ(why_no_vfat(tree_.root()), "");

    tree_.write("etc/modprobe.d/hardening.conf", "# no\ninstall  vfat /bin/true\n");
    EXPECT_EQ(why_no_vfat(tree_.root()), "the kernel's module 'vfat' is switched off in '" +
                                             at("/etc/modprobe.d/hardening.conf") + "'");

    tree_.write("lib/modules/6.1/modules.builtin", "kernel/fs/fat/vfat.ko\n");
    EXPECT_EQ(why_no_vfat(tree_.root()), "");
}

}  // namespace
}  // namespace stillpoint::linux_os
