// SPDX-License-Identifier: Apache-2.0
#include "encryption/readiness.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "encryption/header_changes.h"

namespace stillpoint {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Readiness : public ::testing::Test {
protected:
    Readiness() {
        EncryptedVolume volume;
        volume.device = "sdc1";
        volume.mapper = "data";
        volume.disks = {"sdc"};
        volume.luns = {0};
        volume.header.uuid = "u-1";
        volume.header.cipher = "aes-xts-plain64";
        volume.header.keyslots = {{0, "argon2id", true}};
        volume.header.digests = {"h1", "k1"};
        volume.keys = {"https://v/secrets/s/1", "https://v/keys/k/1", "/vault"};
        last.volumes = {volume};
        now = last;
    }

    EncryptedVolume& volume() { return now.volumes[0]; }
    EncryptionHeader& header() { return now.volumes[0].header; }

    std::vector<ReadinessWarning> warnings() const {
        return readiness({.now = now,
                          .last = &last,
                          .last_inventory = &last_inventory,
                          .disks = disks,
                          .inventory = inventory});
    }
    std::vector<std::string> ids() const {
        std::vector<std::string> ids;
        for (const ReadinessWarning& warning : warnings()) {
            ids.push_back(warning.id);
        }
        return ids;
    }
    std::string only_sentence() const {
        const std::vector<ReadinessWarning> all = warnings();
        EXPECT_EQ(all.size(), 1U);
        return all.empty() ? "" : all[0].sentence;
    }

    EncryptionSurvey last;
    EncryptionSurvey now;
    static Inventory with_disk(const std::string& name, std::optional<int> lun,
                               std::uint64_t size_bytes) {
        Inventory inventory;
        BlockDevice& disk = inventory.devices.emplace_back();
        disk.name = disk.disk = name;
        disk.kind = BlockKind::disk;
        disk.size_bytes = size_bytes;
        disk.place.lun = lun;
        return inventory;
    }

    std::vector<std::string> disks = {"sda", "sdc"};
    Inventory inventory = with_disk("sdc", 0, 1024);
    Inventory last_inventory = inventory;
};

TEST_F(Readiness, HasNothingToSayOfAnUnchangedMachine) {
    EXPECT_THAT(ids(), IsEmpty());
}

TEST_F(Readiness, AcceptsKeysWithAndWithoutAKeyEncryptionKey) {
    for (EncryptionSurvey* survey : {&last, &now}) {
        survey->volumes[0].of_azure = true;
        survey->volumes[0].keys.key_encryption = "";
    }
    EXPECT_THAT(ids(), IsEmpty());
}

TEST_F(Readiness, ComparesNothingWithoutALastPoint) {
    header().digests = {"h2", "k2"};
    EXPECT_THAT(readiness({.now = now, .last = nullptr, .disks = disks, .inventory = inventory}),
                IsEmpty());
}

TEST_F(Readiness, NamesTheStateOfAHeader) {
    header().problem = "because";
    header().state = HeaderState::one_copy_damaged;
    EXPECT_THAT(ids(), ElementsAre("header_copy_damaged"));
    header().state = HeaderState::damaged;
    header().digests = {};  // nothing to compare
    EXPECT_EQ(only_sentence(), "'sdc1' ('data'): its header is damaged, nothing opens it: because");
    header().state = HeaderState::not_understood;
    EXPECT_THAT(ids(), ElementsAre("header_unreadable"));
}

TEST_F(Readiness, NamesWhatChangedInAHeader) {
    header().digests = {"h2", "k2"};
    header().keyslots.push_back({1, "pbkdf2", true});
    EXPECT_EQ(only_sentence(),
              "'sdc1' ('data'): its keyslots changed since the last point: 2 (argon2id, pbkdf2), "
              "where there were 1 (argon2id)");

    header().keyslots.pop_back();
    EXPECT_EQ(only_sentence(),
              "'sdc1' ('data'): its keyslots changed since the last point: a key "
              "in them is another one");

    header().digests.keyslots = "k1";
    header().tokens = {{0, "clevis", {0}}};
    header().keyslots.push_back({1, "argon2id", true});
    last.volumes[0].header.keyslots = header().keyslots;
    EXPECT_THAT(ids(), ElementsAre("tokens_changed"));

    header().tokens.clear();
    EXPECT_THAT(ids(), ElementsAre("header_changed"));
}

TEST_F(Readiness, KnowsAVolumeThatWasEncryptedAnewByItsName) {
    header().uuid = "u-2";
    header().digests = {"h2", "k2"};
    EXPECT_EQ(only_sentence(),
              "'sdc1' ('data'): it was encrypted anew since the last point: 'luks2 "
              "aes-xts-plain64 u-2' was 'luks2 aes-xts-plain64 u-1'");
}

TEST_F(Readiness, KnowsAVolumeWhoseDiskHasAnotherNameNow) {
    volume().device = "sdd1";
    volume().disks = {"sdd"};
    disks = {"sda", "sdd"};
    EXPECT_THAT(ids(), IsEmpty());
}

TEST_F(Readiness, SaysThatEncryptionWasSwitchedOnAndOff) {
    EncryptedVolume other = volume();
    other.device = other.mapper = "other";
    other.header.uuid = "u-9";
    now.volumes = {other};
    EXPECT_THAT(ids(), ElementsAre("encryption_switched_on", "encryption_switched_off"));
}

TEST_F(Readiness, DoesNotTakeAnotherDiskForOneThatWasEncryptedSince) {
    last.volumes.clear();
    EXPECT_THAT(ids(), ElementsAre("encryption_switched_on"));
    last_inventory = with_disk("sdb", 0, 1024);  // another name, the same place
    EXPECT_THAT(ids(), ElementsAre("encryption_switched_on"));
    for (const Inventory& before :
         {Inventory(), with_disk("sdc", 0, 512), with_disk("sdc", 1, 1024)}) {
        last_inventory = before;
        EXPECT_THAT(ids(), IsEmpty());
    }
}

TEST_F(Readiness, KnowsDisksOfNoPlaceByTheirNames) {
    last.volumes.clear();
    inventory = with_disk("sdc", std::nullopt, 1024);
    last_inventory = with_disk("sdd", std::nullopt, 1024);
    EXPECT_THAT(ids(), IsEmpty());
    last_inventory = inventory;
    EXPECT_THAT(ids(), ElementsAre("encryption_switched_on"));
}

TEST_F(Readiness, DoesNotTakeAGapForSwitchedOff) {
    const EncryptionSurvey before = now;
    now.volumes.clear();
    now.gaps = {"cannot read '/dev/sdc'"};
    EXPECT_THAT(ids(), IsEmpty());

    last = to_compare_with(last, now);
    now = before;  // it is seen again
    EXPECT_THAT(ids(), IsEmpty());
}

TEST_F(Readiness, DoesNotMindImagesThatComeAndGo) {
    volume().disks = {"loop3"};
    volume().luns.clear();
    last.volumes.clear();
    inventory = last_inventory = with_disk("loop3", std::nullopt, 1024);
    EXPECT_THAT(ids(), IsEmpty());
    std::swap(last, now);
    EXPECT_THAT(ids(), IsEmpty());
}

TEST_F(Readiness, SaysThatReencryptionIsUnderWay) {
    header().reencrypting = true;
    EXPECT_THAT(ids(), ElementsAre("reencryption"));
}

TEST_F(Readiness, DoesNotMindReencryptionOfWhatIsNotInThePoint) {
    header().reencrypting = true;
    disks = {"sda"};
    EXPECT_THAT(ids(), IsEmpty());
}

TEST_F(Readiness, SeesThatAKeyHasAnotherVersion) {
    volume().keys = {"https://v/secrets/s/2", "https://v/keys/k/2", "/vault"};
    EXPECT_THAT(ids(), ElementsAre("key_version_changed", "key_version_changed"));
    volume().keys = {};  // the host did not say it this time
    EXPECT_THAT(ids(), IsEmpty());
}

TEST_F(Readiness, SeesThatAKeyEncryptionKeyCameOrWent) {
    volume().keys.key_encryption = "";
    EXPECT_EQ(only_sentence(),
              "'sdc1' ('data'): its key encryption key is another one than at the last point: none "
              "was 'https://v/keys/k/1'");
    std::swap(last, now);
    EXPECT_THAT(ids(), ElementsAre("key_version_changed"));
    volume().keys.secret = "";  // then nothing says that there was none
    last.volumes[0].keys.secret = "";
    EXPECT_THAT(ids(), IsEmpty());
}

TEST_F(Readiness, ComparesWithWhatWasKnownBeforeABlindPoint) {
    const EncryptedVolume before = volume();
    volume().device = "sdd1";  // the same all the same
    volume().keys = {};
    header().digests = {};
    header().uuid = "";
    header().state = HeaderState::not_understood;
    last = to_compare_with(last, now);
    EXPECT_EQ(last.volumes[0].device, "sdd1");

    now.volumes = {before};
    EXPECT_THAT(ids(), IsEmpty());
    volume().keys.secret = "https://v/secrets/s/2";
    header().digests = {"h2", "k2"};
    EXPECT_THAT(ids(), ElementsAre("keyslots_changed", "key_version_changed"));
    EXPECT_EQ(to_compare_with(last, now), now) << "what is known is kept";
}

TEST_F(Readiness, TakesTheOtherCopyOfAHeaderForTheSameHeader) {
    header().digests.header = "h2";
    header().state = HeaderState::one_copy_damaged;
    EXPECT_THAT(ids(), ElementsAre("header_copy_damaged"));
    std::swap(last, now);  // repaired
    EXPECT_THAT(ids(), IsEmpty());
    last.volumes[0].header.state = HeaderState::sound;
    EXPECT_THAT(ids(), ElementsAre("header_changed"));
}

TEST_F(Readiness, DoesNotCompareKeyslotsThatWereNotRead) {
    header().digests = {"h2", ""};
    EXPECT_THAT(ids(), ElementsAre("header_changed"));
}

TEST_F(Readiness, NamesAHeaderOnADiskThatIsNotInThePoint) {
    volume().header_file = "/boot/luks/x";
    volume().header_disks = {"sda"};
    EXPECT_THAT(ids(), IsEmpty());

    disks = {"sdc"};
    EXPECT_EQ(only_sentence(),
              "'sdc1' ('data'): its header '/boot/luks/x' lies on disk 'sda', which is not in this "
              "point: without it nothing opens the volume");

    disks = {};
    EXPECT_THAT(ids(), IsEmpty()) << "the volume is not in the point either";
}

TEST_F(Readiness, NamesAKeyFileThatIsNotThere) {
    volume().key_file = "/mnt/azure_bek_disk/LinuxPassPhraseFileName";
    EXPECT_THAT(ids(), ElementsAre("key_file_missing"));
    volume().key_file_present = true;
    EXPECT_THAT(ids(), IsEmpty());
    volume().key_file_present = false;
    now.ade.bek_device = "sdb1";  // and not mounted: nobody can tell
    EXPECT_THAT(ids(), IsEmpty());
    now.ade.bek_mount_point = "/mnt/azure_bek_disk";
    EXPECT_THAT(ids(), ElementsAre("key_file_missing"));
    volume().key_file = "/dev/urandom";
    EXPECT_THAT(ids(), IsEmpty());
}

TEST_F(Readiness, DoesNotMissAKeyFileThatIsNotLookedFor) {
    for (const char* elsewhere : {"/keyfile:LABEL=dev", "/k:/dev/sdz1", "/k:UUID=1"}) {
        volume().key_file = elsewhere;
        EXPECT_THAT(ids(), IsEmpty()) << elsewhere;
    }
    Mount served;
    served.mount_point = "/net";
    served.type = "nfs4";
    served.device = {0, 50};
    inventory.mounts = {served};
    volume().key_file = "/net/key";
    EXPECT_THAT(ids(), IsEmpty());
    volume().key_file = "/network/key";
    EXPECT_THAT(ids(), ElementsAre("key_file_missing"));
}

TEST_F(Readiness, NamesWhatOnlyThisMachineOpens) {
    volume().bound_to_machine = true;
    EXPECT_THAT(ids(), ElementsAre("bound_to_machine"));
}

TEST_F(Readiness, WarnsOfAMissingVfatWhereKeysLieOnIt) {
    now.vfat_available = false;
    now.vfat_problem = "the kernel has no vfat filesystem";
    EXPECT_THAT(ids(), IsEmpty());
    now.ade.bek_device = "sdb1";
    EXPECT_THAT(only_sentence(), HasSubstr("the kernel has no vfat filesystem"));
}

TEST_F(Readiness, WarnsOfAKeyInClearText) {
    now.ade.key_files = {"cleartext_key_m-1"};
    EXPECT_THAT(ids(), ElementsAre("cleartext_key"));
}

TEST_F(Readiness, WarnsBeyondTheLimitsOfARestoreJob) {
    BlockDevice large;
    large.name = "sdc";
    large.size_bytes = (4097ULL << 30U) + 1;
    BlockDevice keys;
    keys.name = "sdb1";
    keys.disk = "sdb";
    inventory.devices = {large, keys};
    disks.resize(17, "sdc");
    EXPECT_THAT(ids(), IsEmpty()) << "nothing of Azure Disk Encryption is here";
    volume().of_azure = true;
    EXPECT_THAT(ids(), ElementsAre("too_many_disks", "disk_too_large"));
    disks[0] = "sdb";
    now.ade.bek_device = "sdb1";
    EXPECT_THAT(ids(), ElementsAre("disk_too_large")) << "the disk with the keys does not count";
}

}  // namespace
}  // namespace stillpoint
