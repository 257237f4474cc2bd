// SPDX-License-Identifier: Apache-2.0
#include "snapshot/host_messages.h"

#include <gtest/gtest.h>

#include "snapshot/host_reply.h"
#include "tests/fakes/fake_http_client.h"
#include "tests/unit/transport/sample_request.h"

namespace stillpoint::testing {
namespace {

constexpr const char* kRecordedDoSnapshot =
    R"({"taskId": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee", "diskIds": [0, 1, -1], "settings": )"
    R"([{"Key": "isSnapshotTtlEnabled", "Value": true}, {"Key": "useMccfToFetchDsasForAllDisks", )"
    R"("Value": false}, {"Key": "useMccfForLad", "Value": false}, {"Key": )"
    R"("EnableVMSnapshotExtensionPolling", "Value": false}, {"Key": "isVmmdBlobIncluded", )"
    R"("Value": false}], "snapshotTaskToken": "TASKTOKEN-0001", "snapshotMetadata": [{"Key": )"
    R"("BackupId", "Value": "11112222-3333-4444-5555-666677778888"}, {"Key": "DeploymentType", )"
    R"("Value": "IaaS"}]})";

Result<HttpReply> said(int status, std::string body) {
    return http_reply(status, std::move(body));
}

TEST(PreSnapshotBody, HasTheRecordedBytes) {
    const std::string body = presnapshot_body(sample_request(), false);

    EXPECT_EQ(body, R"({"taskId": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee", )"
                    R"("snapshotTaskToken": "TASKTOKEN-0001"})");
    EXPECT_EQ(body.size(), 89u);
}

TEST(PreSnapshotBody, AsksForTheEncryptionWhenItIsToDecide) {
    const std::string body = presnapshot_body(sample_request(), true);

    EXPECT_EQ(body,
              R"({"taskId": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee", "snapshotTaskToken": )"
              R"("TASKTOKEN-0001", "preSnapshotSettings": [{"Key": "isVMADEEnabled", "Value": )"
              R"(false}]})");
    EXPECT_EQ(body.size(), 157u);
}

TEST(PreSnapshotBody, FallsBackToTheTask) {
    BackupRequest request = sample_request();
    request.backup_task_id.clear();

    EXPECT_NE(presnapshot_body(request, false).find("0a0b0c0d-0000"), std::string::npos);
}

TEST(PreSnapshotBody, EscapesLikePython) {
    BackupRequest request = sample_request();
    request.backup_task_id = "\"\\/\n\x7f\u00fc\U0001F600";

    EXPECT_EQ(presnapshot_body(request, false), R"({"taskId": "\"\\/\n\u007f\u00fc\ud83d\ude00", )"
                                                R"("snapshotTaskToken": "TASKTOKEN-0001"})");
}

TEST(DoSnapshotBody, HasTheRecordedBytes) {
    const Result<std::string> body = dosnapshot_body(sample_request(), std::nullopt);

    ASSERT_TRUE(body);
    EXPECT_EQ(*body, kRecordedDoSnapshot);
    EXPECT_EQ(body->size(), 518u);
}

TEST(DoSnapshotBody, CarriesTheInstantAccessDuration) {
    BackupRequest request = sample_request();
    request.instant_access_json = "300";

    const Result<std::string> body = dosnapshot_body(request, std::nullopt);

    ASSERT_TRUE(body);
    EXPECT_EQ(body->size(), 555u);
    EXPECT_TRUE(body->ends_with(R"("IaaS"}], "instantAccessDurationMinutes": 300})"));
}

TEST(DoSnapshotBody, CarriesAnEmptyListOfDisks) {
    BackupRequest request = sample_request();
    request.luns = {};

    const Result<std::string> body = dosnapshot_body(request, std::nullopt);

    ASSERT_TRUE(body);
    EXPECT_EQ(body->size(), 510u);
}

TEST(DoSnapshotBody, PassesTheEncryptionOn) {
    BackupRequest request = sample_request();
    request.disk_encryption = true;
    const HostEncryption encryption{"true", "false", R"([{"a": 1}])"};

    const Result<std::string> body = dosnapshot_body(request, encryption);

    ASSERT_TRUE(body);
    EXPECT_NE(body->find(R"(false}, {"Key": "isOsDiskADEEncrypted", "Value": true}, {"Key": )"
                         R"("areDataDisksADEEncrypted", "Value": false}], "snapshotTaskToken")"),
              std::string::npos);
    EXPECT_TRUE(body->ends_with(R"({"Key": "DiskEncryptionSettings", "Value": [{"a": 1}]}]})"));
}

TEST(DoSnapshotBody, PassesNullOnForWhatTheHostDidNotSayOfTheEncryption) {
    BackupRequest request = sample_request();
    request.disk_encryption = true;

    const Result<std::string> body = dosnapshot_body(request, HostEncryption{"", "", "[1]"});

    ASSERT_TRUE(body);
    EXPECT_NE(body->find(R"({"Key": "isOsDiskADEEncrypted", "Value": null}, {"Key": )"
                         R"("areDataDisksADEEncrypted", "Value": null}])"),
              std::string::npos);
}

TEST(DoSnapshotBody, LeavesTheEncryptionOutWhereItIsOff) {
    const Result<std::string> body =
        dosnapshot_body(sample_request(), HostEncryption{"true", "true", "[1]"});

    ASSERT_TRUE(body);
    EXPECT_EQ(*body, kRecordedDoSnapshot);
}

TEST(DoSnapshotBody, NamesASettingThatIsNoJson) {
    BackupRequest request = sample_request();
    request.host_settings.push_back({"broken", "{"});

    const Result<std::string> body = dosnapshot_body(request, std::nullopt);

    ASSERT_FALSE(body);
    EXPECT_EQ(body.error().code(), Code::settings_malformed);
    EXPECT_NE(body.error().message().find("'broken'"), std::string::npos);
}

TEST(PreSnapshotReply, IsReadWithTheHostsTime) {
    const PreSnapshot answer = read_presnapshot(said(
        200, R"({"responseTime": {"year": 2026, "month": 11, "day": 22, "hour": 21, "minute": 17, )"
             R"("second": 24}, "bhsVersion": "1.0.0.0-mock", "nodeId": "mocknode", )"
             R"("result": "Success"})"));

    EXPECT_EQ(answer.status, 200);
    EXPECT_TRUE(answer.ready());
    EXPECT_FALSE(answer.error);
    EXPECT_EQ(answer.host_time, WallTime(std::chrono::milliseconds(1'795'382'244'000)));
    EXPECT_EQ(answer.bhs_version, "1.0.0.0-mock");
    EXPECT_EQ(answer.node_id, "mocknode");
    EXPECT_FALSE(answer.encryption);
}

TEST(PreSnapshotReply, KeepsTheEncryptionAsItCame) {
    const PreSnapshot answer = read_presnapshot(
        said(201, R"({"isOsDiskADEEncrypted":true,"areDataDisksADEEncrypted":false,)"
                  R"("DiskEncryptionSettings":[{"b":1,"a":[null,"x"]}]})"));

    ASSERT_TRUE(answer.encryption);
    EXPECT_EQ(*answer.encryption,
              (HostEncryption{"true", "false", R"([{"b": 1, "a": [null, "x"]}])"}));
}

TEST(PreSnapshotReply, HasNoEncryptionWhereItsSettingsAreEmpty) {
    for (const char* settings : {"[]", "{}", "\"\"", "null"}) {
        EXPECT_FALSE(read_presnapshot(
                         said(200, R"({"DiskEncryptionSettings": )" + std::string(settings) + "}"))
                         .encryption)
            << settings;
    }
}

TEST(PreSnapshotReply, ThatIsMissingEmptyOrRefusedHasItsOwnNumber) {
    const PreSnapshot none = read_presnapshot(fail(Code::http_failed, "no reply in time"));
    const PreSnapshot empty = read_presnapshot(said(200, ""));
    const PreSnapshot refused = read_presnapshot(said(404, "no"));
    const PreSnapshot failed = read_presnapshot(said(500, "no"));

    EXPECT_EQ(none.status, 555);
    EXPECT_EQ(none.error->code(), Code::host_unreachable);
    EXPECT_EQ(empty.status, 557);
    EXPECT_EQ(empty.error->code(), Code::host_reply_malformed);
    EXPECT_EQ(refused.status, 404);
    EXPECT_EQ(refused.error->code(), Code::host_refused);
    EXPECT_EQ(failed.status, 500);
    EXPECT_EQ(failed.error->code(), Code::host_server_error);
}

TEST(PreSnapshotReply, ThatIsCutOffIsAnErrorWithoutItsText) {
    const PreSnapshot answer = read_presnapshot(said(200, R"({"bhsVersion": "SECRET)"));

    EXPECT_EQ(answer.status, 200);
    ASSERT_TRUE(answer.error);
    EXPECT_EQ(answer.error->code(), Code::host_reply_malformed);
    EXPECT_EQ(answer.error->describe().find("SECRET"), std::string::npos);
}

TEST(PreSnapshotReply, WithAnImpossibleTimeSaysWhichField) {
    const PreSnapshot answer = read_presnapshot(
        said(200, R"({"responseTime": {"year": 2026, "month": 13, "day": 1, "hour": 0, )"
                  R"("minute": 0, "second": 0}})"));

    EXPECT_FALSE(answer.host_time);
    ASSERT_TRUE(answer.error);
    EXPECT_NE(answer.error->message().find("responseTime"), std::string::npos);
}

std::string disk(const std::string& successful, const std::string& rest = "") {
    return R"({"isSuccessful": )" + successful +
           R"(, "snapshotUri": "https://md-a.test:443/c/d?snapshot=2026", "errorMessage": "", )"
           R"("statusCode": 200)" +
           rest + "}";
}
std::string info(const std::string& disks) {
    return R"({"snapshotInfo": [)" + disks + "]}";
}

TEST(DoSnapshotReply, IsReadDiskByDisk) {
    const SnapshotOutcome outcome = read_dosnapshot(
        said(200, "\xef\xbb\xbf" +
                      info(disk("\"true\"") + "," + disk("true") + "," + disk("\"false\""))),
        {0, 7, -1});

    EXPECT_EQ(outcome.host_status, 200);
    EXPECT_FALSE(outcome.error) << outcome.error->describe();
    EXPECT_TRUE(outcome.answered);
    ASSERT_EQ(outcome.disks.size(), 3u);
    EXPECT_TRUE(outcome.disks[0].successful);
    EXPECT_TRUE(outcome.disks[1].successful);
    EXPECT_FALSE(outcome.disks[2].successful);
    EXPECT_EQ(outcome.disks[2].error->code(), Code::host_refused);
    EXPECT_EQ(outcome.disks[0].snapshot_uri, "https://md-a.test:443/c/d?snapshot=2026");
}

TEST(DoSnapshotReply, CarriesTheDirectDriveIdentity) {
    const SnapshotOutcome outcome = read_dosnapshot(
        said(200,
             info(disk("\"true\"", R"(, "ddSnapshotIdentifier": null)") + "," +
                  disk("\"true\"", R"(, "ddSnapshotIdentifier": {"creationTime": )"
                                   R"("2025-01-01T00:00:00.123456Z", "id": "C8E4AC08", "token": )"
                                   R"("DDTOKEN==", "instantAccessDurationMinutes": 300})"))),
        {0, 1});

    ASSERT_EQ(outcome.disks.size(), 2u);
    EXPECT_FALSE(outcome.disks[0].direct_drive);
    ASSERT_TRUE(outcome.disks[1].direct_drive);
    EXPECT_EQ(outcome.disks[1].direct_drive->creation_time_ms, 1'735'689'600'123);
    EXPECT_EQ(outcome.disks[1].direct_drive->id, "C8E4AC08");
    EXPECT_EQ(outcome.disks[1].direct_drive->token.reveal(), "DDTOKEN==");
    EXPECT_EQ(outcome.disks[1].direct_drive->instant_access_minutes, 300);
}

TEST(DoSnapshotReply, KeepsWhatCameBeforeAFault) {
    const std::string broken = R"(, {"isSuccessful": "true", "snapshotUri": "u"})";

    const SnapshotOutcome good =
        read_dosnapshot(said(200, info(disk("\"true\"") + broken + broken)), {0, 1});
    const SnapshotOutcome failed =
        read_dosnapshot(said(200, info(disk("\"false\"") + broken)), {0, 1});

    EXPECT_EQ(good.disks.size(), 1u);
    EXPECT_FALSE(good.error);
    EXPECT_EQ(good.disks_unmentioned, 2u);
    EXPECT_EQ(failed.disks.size(), 1u);
    ASSERT_TRUE(failed.error);
    EXPECT_EQ(failed.error->code(), Code::host_reply_malformed);
    EXPECT_NE(failed.error->message().find("snapshotInfo[1].errorMessage"), std::string::npos);
}

TEST(DoSnapshotReply, TakesAnOddStatusCodeForNone) {
    for (const char* status : {"\"OK\"", "\"\"", "200.0", "null", "1e300", "[]"}) {
        const SnapshotOutcome outcome = read_dosnapshot(
            said(200, info(R"({"isSuccessful": "true", "snapshotUri": "u", "errorMessage": "", )"
                           R"("statusCode": )" +
                           std::string(status) + "}")),
            {0});
        EXPECT_FALSE(outcome.error) << status;
        ASSERT_EQ(outcome.disks.size(), 1u) << status;
        EXPECT_TRUE(outcome.disks[0].successful) << status;
        EXPECT_EQ(outcome.disks[0].status_code, 0) << status;
    }
}

TEST(DoSnapshotReply, TakesAnythingButTrueForAFailureAndGoesOn) {
    const SnapshotOutcome outcome = read_dosnapshot(
        said(200,
             info(disk("null") + "," + disk("1") + "," + disk("\"yes\"") + "," + disk("\"true\""))),
        {0, 1, 2, 3});

    EXPECT_FALSE(outcome.error);
    ASSERT_EQ(outcome.disks.size(), 4u);
    EXPECT_FALSE(outcome.disks[0].successful);
    EXPECT_FALSE(outcome.disks[1].successful);
    EXPECT_FALSE(outcome.disks[2].successful);
    EXPECT_TRUE(outcome.disks[3].successful);
}

TEST(DoSnapshotReply, TellsAMessageOfNullFromAnEmptyOne) {
    const SnapshotOutcome outcome = read_dosnapshot(
        said(200, info(disk("\"true\"") + R"(, {"isSuccessful": "true", "snapshotUri": "u", )"
                                          R"("errorMessage": null, "statusCode": 200})")),
        {0, 1});

    ASSERT_EQ(outcome.disks.size(), 2u);
    EXPECT_FALSE(outcome.disks[0].service_message_null);
    EXPECT_TRUE(outcome.disks[1].service_message_null);
}

TEST(DoSnapshotReply, CountsTheDisksItDoesNotMention) {
    const SnapshotOutcome outcome = read_dosnapshot(said(200, info(disk("\"true\""))), {0, 1, 2});

    EXPECT_EQ(outcome.disks.size(), 1u);
    EXPECT_FALSE(outcome.error);
    EXPECT_EQ(outcome.disks_unmentioned, 2u);
}

TEST(DoSnapshotReply, ThatMentionsNoDiskAtAllIsAnError) {
    const SnapshotOutcome outcome = read_dosnapshot(said(200, info("")), {0, 1, 2});

    EXPECT_TRUE(outcome.disks.empty());
    ASSERT_TRUE(outcome.error);
    EXPECT_NE(outcome.error->message().find("no disk"), std::string::npos);
}

TEST(DoSnapshotReply, ThatIsMissingEmptyOrAnErrorHasItsOwnNumber) {
    const SnapshotOutcome none = read_dosnapshot(fail(Code::http_failed, "cut off"), {0});
    const SnapshotOutcome empty = read_dosnapshot(said(201, ""), {0});
    const SnapshotOutcome absent = read_dosnapshot(said(500, "<html>"), {0});
    const SnapshotOutcome own = read_dosnapshot(said(500, R"({ "error": {"code": 1}})"), {0});

    EXPECT_EQ(none.host_status, 555);
    EXPECT_FALSE(none.answered);
    EXPECT_EQ(none.error->code(), Code::host_unreachable);
    EXPECT_EQ(empty.host_status, 557);
    EXPECT_EQ(empty.error->code(), Code::host_reply_malformed);
    EXPECT_EQ(absent.host_status, 556);
    EXPECT_EQ(absent.error->code(), Code::host_server_error);
    EXPECT_EQ(own.host_status, 500);
    EXPECT_EQ(own.error->code(), Code::host_refused);
}

TEST(DoSnapshotReply, RepeatsTheServicesOwnWords) {
    const SnapshotOutcome refused =
        read_dosnapshot(said(500, R"({ "error": {"code": "Busy", "message": "later"}})"), {0});
    const SnapshotOutcome disk =
        read_dosnapshot(said(200, R"({"snapshotInfo": [{"isSuccessful":"false","snapshotUri":"",)"
                                  R"("errorMessage":"it is busy","statusCode":409}]})"),
                        {7});

    EXPECT_EQ(refused.error->sentence(),
              "the host's snapshot service (dosnapshot) refused (HTTP 500): it says 'Busy: later'");
    EXPECT_EQ(disk.disks.at(0).error->sentence(),
              "the host took no snapshot of the disk of LUN 7 (HTTP 409): it says 'it is busy'");
}

TEST(DoSnapshotReply, NamesTheDiskThatFailed) {
    const std::string failed = disk("\"false\"");

    const SnapshotOutcome listed = read_dosnapshot(said(200, info(failed + "," + failed)), {3, -1});
    const SnapshotOutcome unlisted = read_dosnapshot(said(200, info(failed)), {});

    EXPECT_NE(listed.disks.at(0).error->message().find("LUN 3"), std::string::npos);
    EXPECT_NE(listed.disks.at(1).error->message().find("the OS disk"), std::string::npos);
    EXPECT_NE(unlisted.disks.at(0).error->message().find("disk 1 of its list"), std::string::npos);
}

TEST(DoSnapshotReply, OfStrangeShapesIsAnErrorAndNothingWorse) {
    for (const char* body :
         {"[]", "3", "{}", R"({"snapshotInfo": {}})", R"({"snapshotInfo": [3]})",
          R"({"snapshotInfo": [{"isSuccessful": 1}]})",
          R"({"snapshotInfo": [{"isSuccessful":"true","snapshotUri":"","errorMessage":"",)"
          R"("statusCode":1,"ddSnapshotIdentifier":{"creationTime":"yesterday"}}]})"}) {
        const SnapshotOutcome outcome = read_dosnapshot(said(200, body), {0});
        ASSERT_TRUE(outcome.error) << body;
        EXPECT_EQ(outcome.error->code(), Code::host_reply_malformed) << body;
        EXPECT_TRUE(outcome.disks.empty()) << body;
    }
}

TEST(DoSnapshotReply, NestedWithoutEndIsRefused) {
    const SnapshotOutcome outcome = read_dosnapshot(said(200, std::string(500'000, '[')), {0});

    ASSERT_TRUE(outcome.error);
    EXPECT_NE(outcome.error->message().find("nested"), std::string::npos);
}

TEST(CreationTime, IsCutOffToMilliseconds) {
    EXPECT_EQ(parse_creation_time("2025-01-01T00:00:00Z"), 1'735'689'600'000);
    EXPECT_EQ(parse_creation_time("2025-01-01T00:00:00.1Z"), 1'735'689'600'100);
    EXPECT_EQ(parse_creation_time("2025-01-01T00:00:00.999999Z"), 1'735'689'600'999);
}

TEST(CreationTime, OfAnotherShapeIsRefused) {
    for (const char* text :
         {"", "Z", "2025-01-01T00:00:00", "2025-13-01T00:00:00Z", "2025-02-29T00:00:00Z",
          "2025-01-01T24:00:00Z", "2025-01-01T00:00:00.Z", "2025-01-01T00:00:00.1234567Z",
          "2025-01-01T00:00:00.12x4Z", "2025-01-01 00:00:00Z"}) {
        EXPECT_FALSE(parse_creation_time(text)) << text;
    }
}

}  // namespace
}  // namespace stillpoint::testing
