// SPDX-License-Identifier: Apache-2.0
#include "handlers/settings.h"

#include <gtest/gtest.h>

#include "tests/fakes/fake_settings_protector.h"
#include "tests/unit/handlers/settings_builder.h"

namespace stillpoint {
namespace {

using testing::encode_base64;
using testing::FakeSettingsProtector;
using testing::protected_plain;
using testing::SettingsBuilder;

const FakeSettingsProtector kTwoBlobs(protected_plain(
    R"(["https://acct.blob.example/vhds/os%20disk.vhd?sv=1&sig=x%2Fy", "http://[::1]:10000/a/b"])"));

std::string error_of(const SettingsBuilder& builder) {
    const auto parsed = parse_settings(builder.file(), kTwoBlobs);
    return parsed ? "none" : parsed.error().describe();
}

TEST(ParseSettings, ReadsEverythingTheHostAskedFor) {
    const auto parsed = parse_settings(SettingsBuilder().file(), kTwoBlobs);
    ASSERT_TRUE(parsed) << parsed.error().describe();
    const BackupRequest& request = parsed->request;

    EXPECT_EQ(request.command, BackupRequest::Command::snapshot);
    EXPECT_EQ(request.task_id, "task-1");
    EXPECT_EQ(request.backup_task_id, "backup-task-1");
    EXPECT_EQ(request.command_start_ticks, "639309790381354880");
    EXPECT_EQ(request.command_start_ticks_number, 639309790381354880);
    EXPECT_FALSE(request.classic_vm);
    EXPECT_EQ(request.method, SnapshotMethod::only_host);
    EXPECT_TRUE(request.managed_vm);
    EXPECT_EQ(request.luns, (std::vector<int>{0, 1, -1}));
    EXPECT_EQ(request.metadata_json, R"([{"Key": "BackupId", "Value": "b-1"}])");
    ASSERT_EQ(request.metadata.size(), 1U);
    EXPECT_EQ(request.metadata[0].first, "BackupId");
    EXPECT_EQ(request.metadata[0].second, "b-1");
    EXPECT_EQ(request.task_token.reveal(), "TOKEN-1");
    EXPECT_TRUE(parsed->had_protected_settings);
    EXPECT_FALSE(parsed->protected_error);
    EXPECT_FALSE(parsed->host_polling);
    EXPECT_TRUE(parsed->warnings.empty());
}

TEST(ParseSettings, KeepsTheOrderAndTypeOfTheHostsSettings) {
    SettingsBuilder builder;
    builder.configs =
        R"([{"Key": "enablevmsnapshotextensionpolling", "Value": true}, {"Key": "other", "Value": 1},)"
        R"( {"Key": "useMccfForLad", "Value": "yes"}, 7])";
    builder.disks = R"({"isVmmdBlobIncluded": true})";
    const auto parsed = parse_settings(builder.file(), kTwoBlobs);
    ASSERT_TRUE(parsed);

    EXPECT_EQ(parsed->request.host_settings,
              (std::vector<PassedSetting>{{"isSnapshotTtlEnabled", "false"},
                                          {"useMccfToFetchDsasForAllDisks", "false"},
                                          {"useMccfForLad", "\"yes\""},
                                          {"EnableVMSnapshotExtensionPolling", "true"},
                                          {"isVmmdBlobIncluded", "true"}}));
    EXPECT_TRUE(parsed->host_polling);
    EXPECT_EQ(parsed->warnings.size(), 1U);
}

TEST(ParseSettings, TakesAddressesFromTheProtectedHalf) {
    const auto parsed = parse_settings(SettingsBuilder().file(), kTwoBlobs);
    ASSERT_TRUE(parsed);
    const BackupRequest& request = parsed->request;

    ASSERT_TRUE(request.status_blob && request.logs_blob);
    EXPECT_EQ(request.status_blob->query.reveal(), "sv=1&sig=a%2Bb%3D");
    EXPECT_EQ(request.logs_blob->port, 8443);
    ASSERT_EQ(request.blobs.size(), 2U);
    EXPECT_EQ(request.blobs[0].path, "/vhds/os%20disk.vhd");
    EXPECT_EQ(request.blobs[0].query.reveal(), "sv=1&sig=x%2Fy");
    EXPECT_FALSE(request.blobs[1].tls);
    EXPECT_EQ(request.blobs[1].host, "::1");
    EXPECT_EQ(request.blobs[1].port, 10000);
}

TEST(ParseSettings, PrefersAPublicAddress) {
    SettingsBuilder builder;
    builder.more_public = R"(, "statusBlobUri": "https://public.example/s?sig=1")";
    const auto parsed = parse_settings(builder.file(), kTwoBlobs);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->request.status_blob->host, "public.example");
    EXPECT_EQ(parsed->request.logs_blob->host, "acct.blob.example");
}

TEST(ParseSettings, NamesTheFieldThatIsWrong) {
    struct Row {
        void (*spoil)(SettingsBuilder&);
        const char* error;
    };
    const Row rows[] = {
        {[](SettingsBuilder& b) { b.disks = R"({"dataDiskLunList": [0, 1, "2"]})"; },
         "publicSettings.objectStr.includedDisks.dataDiskLunList[2]: expected an integer, found a "
         "string [settings_malformed]"},
        {[](SettingsBuilder& b) { b.disks = R"({"dataDiskLunList": [99999999999]})"; },
         "publicSettings.objectStr.includedDisks.dataDiskLunList[0]: out of range "
         "[settings_malformed]"},
        {[](SettingsBuilder& b) { b.disks = R"({"dataDiskLunList": [-2]})"; },
         "publicSettings.objectStr.includedDisks.dataDiskLunList[0]: out of range "
         "[settings_malformed]"},
        {[](SettingsBuilder& b) { b.metadata = "null"; },
         "publicSettings.objectStr.backupMetadata: required, but null [settings_malformed]"},
        {[](SettingsBuilder& b) { b.command = "null"; },
         "publicSettings.commandToExecute: required, but null [settings_malformed]"},
        {[](SettingsBuilder& b) { b.command = "\"restart\""; },
         "command is not correct [command_unknown]"},
        {[](SettingsBuilder& b) { b.more_public = R"(, "taskId": "again")"; },
         "settings: a member stands twice [settings_malformed]"},
    };
    for (const Row& row : rows) {
        SettingsBuilder builder;
        row.spoil(builder);
        EXPECT_EQ(error_of(builder), row.error);
    }
}

TEST(ParseSettings, RefusesWhatIsNotASettingsFile) {
    const auto error = [](std::string_view text) {
        const auto parsed = parse_settings(text, kTwoBlobs);
        return parsed ? "none" : parsed.error().describe();
    };
    EXPECT_EQ(error(""), "the settings file is empty [settings_missing]");
    EXPECT_EQ(error("{\"a\": sig=SECRET"),
              "settings: not JSON, from byte 7 on [settings_malformed]");
    EXPECT_EQ(error("{\"a\": 1e999}"),
              "settings: it holds a number out of range [settings_malformed]");
    EXPECT_EQ(error("{}"), "settings.runtimeSettings: required, but missing [settings_malformed]");
    EXPECT_EQ(error(R"({"runtimeSettings": []})"),
              "settings.runtimeSettings: expected a list of one object [settings_malformed]");
    EXPECT_EQ(error(std::string(100'000, '[')),
              "settings: not JSON, from byte 100001 on [settings_malformed]");
    EXPECT_EQ(error(std::string(40, '[') + std::string(40, ']')),
              "settings: it is nested deeper than 32 levels [settings_malformed]");
    EXPECT_EQ(error(std::string(kSettingsLimitBytes + 1, ' ')),
              "the settings file is larger than 4194304 bytes [settings_malformed]");
}

TEST(ParseSettings, GoesOnWithoutWhatTheServiceMayLeaveOut) {
    SettingsBuilder builder;
    builder.disks = R"({"dataDiskLunList": null, "isOSDiskIncluded": null,)"
                    R"( "instantAccessDurationMinutes": null, "isVMADEEnabled": "True"})";
    builder.configs = "null";
    builder.token = "null";
    builder.custom = "{broken";
    builder.protected_members = R"("protectedSettings": null)";
    const auto parsed = parse_settings(builder.file(), kTwoBlobs);
    ASSERT_TRUE(parsed) << parsed.error().describe();

    EXPECT_TRUE(parsed->request.luns.empty());
    EXPECT_TRUE(parsed->request.disk_encryption);
    EXPECT_TRUE(parsed->request.task_token.empty());
    EXPECT_EQ(parsed->request.method, SnapshotMethod::first_host_then_guest);
    EXPECT_TRUE(parsed->request.managed_vm);
    EXPECT_EQ(parsed->request.backup_task_id, "task-1");
    EXPECT_FALSE(parsed->had_protected_settings);
    EXPECT_EQ(parsed->warnings.size(), 1U) << "only customSettings was broken";
}

TEST(ParseSettings, AcceptsAnObjectInApostrophes) {
    SettingsBuilder builder;
    std::string file = builder.file();
    const std::string plain = encode_base64(builder.public_object());
    file.replace(file.find(plain), plain.size(),
                 encode_base64("  '" + builder.public_object() + "'\n"));
    const auto parsed = parse_settings(file, kTwoBlobs);
    ASSERT_TRUE(parsed) << parsed.error().describe();
    EXPECT_EQ(parsed->request.luns.size(), 3U);
}

TEST(ParseSettings, GoesOnWithThePublicHalfWhenTheProtectedOneStaysShut) {
    FakeSettingsProtector protector;
    protector.lose_certificate();
    const auto parsed = parse_settings(SettingsBuilder().file(), protector);
    ASSERT_TRUE(parsed);

    ASSERT_TRUE(parsed->protected_error);
    EXPECT_EQ(parsed->protected_error->code(), Code::settings_undecryptable);
    EXPECT_TRUE(parsed->request.blobs.empty());
    EXPECT_FALSE(parsed->request.status_blob);
    EXPECT_EQ(parsed->request.luns.size(), 3U);
}

TEST(ParseSettings, TakesNoBlobAtAllWhenOneOfThemIsBroken) {
    const FakeSettingsProtector protector(
        protected_plain(R"(["https://acct.blob.example/a?sig=1", "sftp://secret.example/b"])"));
    const auto parsed = parse_settings(SettingsBuilder().file(), protector);
    ASSERT_TRUE(parsed);

    EXPECT_TRUE(parsed->request.blobs.empty());
    ASSERT_TRUE(parsed->protected_error);
    EXPECT_EQ(parsed->protected_error->code(), Code::settings_undecryptable);
    EXPECT_EQ(parsed->protected_error->sentence(),
              "the protected settings are not understood: "
              "protectedSettings.objectStr.blobSASUri[1]: expected an address that begins with "
              "https://");
}

TEST(ParseSettings, TakesProtectedSettingsThatOpenButAreBrokenForShutOnes) {
    for (const std::string& plain :
         {std::string("{broken"), std::string("[]"), std::string(R"({"objectStr": "A"})"),
          R"({"objectStr": ")" + encode_base64("{broken") + R"("})",
          R"({"objectStr": ")" + encode_base64("[]") + R"("})", std::string(R"({"objectStr": 7})"),
          protected_plain("7"), protected_plain("[7]"), protected_plain(R"(["https://"])")}) {
        const auto parsed =
            parse_settings(SettingsBuilder().file(), FakeSettingsProtector(std::string(plain)));
        ASSERT_TRUE(parsed) << plain;
        ASSERT_TRUE(parsed->protected_error) << plain;
        EXPECT_EQ(parsed->protected_error->code(), Code::settings_undecryptable) << plain;
        ASSERT_NE(parsed->protected_error->cause(), nullptr) << plain;
        EXPECT_EQ(parsed->protected_error->cause()->code(), Code::settings_malformed) << plain;
        EXPECT_EQ(parsed->request.luns.size(), 3U) << plain;
    }
}

TEST(ParseSettings, SkipsWhatIsNoBase64WithinBothObjects) {
    const auto foreign = [](std::string text, const std::string& plain) {
        const std::string sealed = encode_base64(plain);
        std::string strange = "'" + sealed.substr(0, sealed.find('=')) + "'";
        strange.insert(6, "-!");
        text.replace(text.find(sealed), sealed.size(), strange);
        return text;
    };
    const SettingsBuilder builder;
    const FakeSettingsProtector protector(
        foreign(protected_plain(R"(["https://a.example/b?sig=1"])"),
                R"({"blobSASUri": ["https://a.example/b?sig=1"]})"));

    const auto parsed = parse_settings(foreign(builder.file(), builder.public_object()), protector);

    ASSERT_TRUE(parsed) << parsed.error().describe();
    EXPECT_EQ(parsed->request.luns.size(), 3U);
    EXPECT_FALSE(parsed->protected_error);
    EXPECT_EQ(parsed->request.blobs.size(), 1U);
}

TEST(ParseSettings, TakesAnObjectOfDisksAndATokenOfAnotherTypeForAbsentOnes) {
    SettingsBuilder builder;
    builder.disks = "[]";
    builder.token = "7";
    const auto parsed = parse_settings(builder.file(), kTwoBlobs);

    ASSERT_TRUE(parsed) << parsed.error().describe();
    EXPECT_TRUE(parsed->request.luns.empty());
    EXPECT_TRUE(parsed->request.task_token.empty());
    EXPECT_EQ(parsed->warnings,
              (std::vector<std::string>{
                  "publicSettings.objectStr.snapshotTaskToken: expected a string, found an "
                  "integer; taken as absent",
                  "publicSettings.objectStr.includedDisks: expected an object, found a list; "
                  "taken as absent"}));
}

TEST(ParseSettings, PassesTheInstantAccessDurationOnAsItCame) {
    for (const char* minutes : {"300", "\"300\"", "1.5", "true", "[1]"}) {
        SettingsBuilder builder;
        builder.disks = R"({"dataDiskLunList": [0], "instantAccessDurationMinutes": )" +
                        std::string(minutes) + "}";
        const auto parsed = parse_settings(builder.file(), kTwoBlobs);
        ASSERT_TRUE(parsed) << minutes;
        EXPECT_EQ(parsed->request.instant_access_json, minutes);
    }
}

TEST(ParseSettings, TakesEmptyValuesForAbsentOnes) {
    SettingsBuilder builder;
    builder.token = R"("")";
    builder.custom = R"({"takeSnapshotFrom": "onlyHost", "backupTaskId": ""})";
    const auto parsed =
        parse_settings(builder.file(), FakeSettingsProtector(R"({"snapshotTaskToken": "SEALED"})"));
    ASSERT_TRUE(parsed) << parsed.error().describe();
    EXPECT_EQ(parsed->request.task_token.reveal(), "SEALED");
    EXPECT_EQ(parsed->request.backup_task_id, "task-1");
}

TEST(ParseSettings, TrimsTheTicks) {
    SettingsBuilder builder;
    std::string file = builder.file();
    file.replace(file.find("639309790381354880"), 18, " 639309790381354880\\n");
    const auto parsed = parse_settings(file, kTwoBlobs);
    ASSERT_TRUE(parsed) << parsed.error().describe();
    EXPECT_EQ(parsed->request.command_start_ticks_number, 639309790381354880);
    EXPECT_TRUE(parsed->warnings.empty());
}

TEST(ParseSettings, WantsToBeToldThatAMachineIsManagedWhereItIsToldHowToTakeSnapshots) {
    const auto managed = [](const char* custom) {
        SettingsBuilder builder;
        builder.custom = custom;
        const auto parsed = parse_settings(builder.file(), kTwoBlobs);
        return parsed && parsed->request.managed_vm;
    };
    EXPECT_FALSE(managed(R"({"takeSnapshotFrom": "onlyHost"})"));
    EXPECT_FALSE(managed(R"({"takeSnapshotFrom": "onlyHost", "isManagedVm": null})"));
    EXPECT_FALSE(managed(R"({"isManagedVm": false})"));
    EXPECT_TRUE(managed(R"({"takeSnapshotFrom": "onlyHost", "isManagedVm": true})"));
    EXPECT_TRUE(managed("{}"));
    EXPECT_TRUE(managed("{broken"));
    EXPECT_TRUE(managed(""));
}

TEST(ParseSettings, LetsTheConfigurationOutrankTheRequest) {
    const auto parsed = parse_settings(SettingsBuilder().file(), kTwoBlobs, "onlyGuest");
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->request.method, SnapshotMethod::only_guest);
}

TEST(ParseSettings, AsksTheHostAllTheSameWhenItsListIsMissing) {
    SettingsBuilder builder;
    builder.disks = R"({"isAnyDiskExcluded": true, "isAnyDirectDriveDiskIncluded": true,)"
                    R"( "dataDiskLunList": null, "isOSDiskIncluded": false})";
    const auto parsed = parse_settings(builder.file(), kTwoBlobs);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->request.method, SnapshotMethod::only_host);
    EXPECT_TRUE(parsed->request.luns.empty());
    ASSERT_TRUE(parsed->lun_list_error);
    EXPECT_EQ(parsed->lun_list_error->code(), Code::lun_list_invalid);
}

TEST(ParseSettings, DoesNothingMoreForAnInstallCommand) {
    SettingsBuilder builder;
    builder.command = "\"Install\"";
    builder.metadata = "null";
    const auto parsed = parse_settings(builder.file(), kTwoBlobs);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->request.command, BackupRequest::Command::install);
}

TEST(EchoSettings, ReadsWhatItCanOfABrokenFile) {
    SettingsBuilder builder;
    builder.command = "7";
    EXPECT_EQ(echo_settings(builder.file()), (RequestEcho{"task-1", "639309790381354880", false}));
    EXPECT_EQ(echo_settings("{"), RequestEcho{});
    EXPECT_EQ(
        echo_settings(R"({"runtimeSettings":[{"handlerSettings":{"publicSettings":{"taskId":5,)"
                      R"("vmType":"Microsoft.ClassicCompute/virtualMachines"}}}]})"),
        (RequestEcho{"5", "", true}));
}

TEST(ReadDocumentTargets, FindsThemInSettingsThatAreRefused) {
    SettingsBuilder builder;
    builder.command = R"("frobnicate")";
    const FakeSettingsProtector protector(protected_plain("[]"));
    EXPECT_FALSE(parse_settings(builder.file(), protector));

    const DocumentTargets targets = read_document_targets(builder.file(), protector);

    ASSERT_TRUE(targets.status_blob);
    EXPECT_EQ(targets.status_blob->path, "/status/vm.status");
    ASSERT_TRUE(targets.logs_blob);
    EXPECT_EQ(targets.logs_blob->port, 8443);
    EXPECT_TRUE(targets.opened_protected_settings);
}

TEST(ReadDocumentTargets, FindsNothingWhereNothingCanBeRead) {
    FakeSettingsProtector shut;
    shut.lose_certificate();
    for (const std::string& text : {std::string(), std::string("{"), SettingsBuilder().file()}) {
        const DocumentTargets targets = read_document_targets(text, shut);
        EXPECT_FALSE(targets.status_blob);
        EXPECT_FALSE(targets.logs_blob);
        EXPECT_FALSE(targets.opened_protected_settings);
    }
}

TEST(WithoutProtectedSettings, LeavesEverythingElseAsItWas) {
    const auto left = without_protected_settings(
        R"({"runtimeSettings":[{"handlerSettings":{"protectedSettingsCertThumbprint":"AB",)"
        R"("protectedSettings":"c2VjcmV0","publicSettings":{"b":1,"a":"é"}}}]})");
    ASSERT_TRUE(left);
    EXPECT_EQ(*left,
              R"({"runtimeSettings": [{"handlerSettings": {"protectedSettingsCertThumbprint": )"
              R"("AB", "publicSettings": {"b": 1, "a": "\u00e9"}}}]})");
}

}  // namespace
}  // namespace stillpoint
