// SPDX-License-Identifier: Apache-2.0
#include "snapshot/blob_transport.h"

#include <gtest/gtest.h>

#include "tests/fakes/fake_held_http.h"
#include "tests/fakes/fake_http_client.h"
#include "tests/unit/transport/sample_request.h"

namespace stillpoint::testing {
namespace {

struct BlobTransportTest : ::testing::Test {
    FakeClock clock;
    FakeHeldHttp http{clock};
    BlobTransport::Settings settings{.metadata = sample_request().metadata, .encryption = {}};
    Deadline soon{clock.now() + std::chrono::seconds(5)};

    static std::vector<HttpTarget> blobs(int count) {
        std::vector<HttpTarget> all;
        for (int i = 0; i < count; ++i) {
            all.push_back(sample_blob("disk" + std::to_string(i) + ".vhd"));
        }
        return all;
    }
    DiskOutcome outcome_of(Result<HttpReply> reply) {
        return read_snapshot_reply(sample_blob("disk0.vhd"), reply);
    }
};

TEST_F(BlobTransportTest, SendsTheRecordedRequests) {
    http.answer = [](const std::string& wire) {
        return http_reply(201, "",
                          {{"x-ms-snapshot", wire.find("disk0") != wire.npos ? "T0" : "T1"}});
    };
    BlobTransport transport(http, clock, blobs(2), settings);
    ASSERT_TRUE(transport.prepare(soon));
    ASSERT_TRUE(transport.refresh(soon));
    const Instant before = clock.now();

    const SnapshotOutcome outcome = transport.take();

    EXPECT_TRUE(outcome.all_successful());
    EXPECT_TRUE(outcome.answered);
    EXPECT_EQ(outcome.first_sent, before);
    EXPECT_EQ(outcome.last_reply, before + http.reply_takes);
    EXPECT_EQ(http.send_deadline->at(), before + std::chrono::seconds(10));
    EXPECT_EQ(outcome.disks[0].snapshot_uri,
              "https://mockacct.blob.core.windows.net/vhds/disk0.vhd?snapshot=T0");
    EXPECT_EQ(outcome.disks[1].snapshot_uri,
              "https://mockacct.blob.core.windows.net/vhds/disk1.vhd?snapshot=T1");
    ASSERT_EQ(http.sent.size(), 2u);
    EXPECT_EQ(http.sent[0],
              "PUT /vhds/disk0.vhd?sv=2018-03-28&sr=b&sig=SECRETSIGNATURE%2Babc%3D&sp=rw"
              "&comp=snapshot HTTP/1.1\r\n"
              "Host: mockacct.blob.core.windows.net\r\n"
              "Accept-Encoding: identity\r\n"
              "Content-Length: 0\r\n"
              "x-ms-meta-BackupId: 11112222-3333-4444-5555-666677778888\r\n"
              "x-ms-meta-DeploymentType: IaaS\r\n\r\n");
}

TEST_F(BlobTransportTest, KeepsTheEncryptionSettingsOfEachBlob) {
    settings.encryption = {"", "{\"a\": 1}"};
    BlobTransport transport(http, clock, blobs(3), settings);
    ASSERT_TRUE(transport.prepare(soon));

    (void)transport.take();

    EXPECT_EQ(http.sent[0].find("DiskEncryptionSettings"), std::string::npos);
    EXPECT_NE(http.sent[1].find("x-ms-meta-DiskEncryptionSettings: {\"a\": 1}\r\n"),
              std::string::npos);
    EXPECT_EQ(http.sent[2].find("DiskEncryptionSettings"), std::string::npos);
}

TEST_F(BlobTransportTest, WithoutBlobsIsAnError) {
    BlobTransport transport(http, clock, {}, settings);

    const Result<void> prepared = transport.prepare(soon);

    ASSERT_FALSE(prepared);
    EXPECT_EQ(prepared.error().code(), Code::blobs_missing);
}

TEST_F(BlobTransportTest, NamesTheBlobThatCannotBeReachedWithoutItsSecret) {
    http.cannot_prepare.emplace("/vhds/disk1.vhd", fail(Code::http_failed, "refused"));
    BlobTransport transport(http, clock, blobs(3), settings);

    const Result<void> prepared = transport.prepare(soon);

    ASSERT_FALSE(prepared);
    EXPECT_EQ(prepared.error().code(), Code::blob_unreachable);
    EXPECT_NE(prepared.error().message().find("disk1.vhd"), std::string::npos);
    EXPECT_EQ(prepared.error().describe().find("SECRET"), std::string::npos);
    EXPECT_TRUE(http.sent.empty());
}

TEST_F(BlobTransportTest, ListsEveryDiskWhenOneCannotBeReached) {
    http.cannot_prepare.emplace("/vhds/disk1.vhd", fail(Code::http_failed, "refused"));
    BlobTransport transport(http, clock, blobs(3), settings);
    ASSERT_FALSE(transport.prepare(soon));

    const SnapshotOutcome untried = transport.untried();

    EXPECT_EQ(untried.by, SnapshotOutcome::By::guest);
    ASSERT_EQ(untried.disks.size(), 3u);
    EXPECT_FALSE(untried.disks[0].error);
    EXPECT_FALSE(untried.disks[0].service_message.empty());
    EXPECT_EQ(untried.disks[1].error->code(), Code::blob_unreachable);
    EXPECT_FALSE(untried.disks[2].successful);
}

TEST_F(BlobTransportTest, RefusesMetadataThatWouldAddAHeader) {
    for (const BlobMetadata& metadata :
         {BlobMetadata{{"a", "b\r\nx-ms-version: 1"}}, BlobMetadata{{"a: b\r\nc", "d"}},
          BlobMetadata{{"", "d"}}, BlobMetadata{{"a", std::string("b\0c", 3)}}}) {
        settings.metadata = metadata;
        BlobTransport transport(http, clock, blobs(1), settings);

        const Result<void> prepared = transport.prepare(soon);

        ASSERT_FALSE(prepared);
        EXPECT_EQ(prepared.error().code(), Code::settings_malformed);
        EXPECT_NE(prepared.error().message().find("backupMetadata"), std::string::npos);
    }
}

TEST_F(BlobTransportTest, ReportsEachDiskAtItsPlace) {
    http.answer = [](const std::string& wire) -> Result<HttpReply> {
        if (wire.find("disk1") != wire.npos) {
            return fail(Code::http_failed, "cut off");
        }
        return http_reply(201, "", {{"x-ms-snapshot", "T"}});
    };
    BlobTransport transport(http, clock, blobs(3), settings);
    ASSERT_TRUE(transport.prepare(soon));

    const SnapshotOutcome outcome = transport.take();

    EXPECT_FALSE(outcome.answered);
    EXPECT_TRUE(outcome.disks[0].successful);
    EXPECT_EQ(outcome.disks[1].error->code(), Code::blob_unreachable);
    EXPECT_EQ(outcome.disks[1].status_code, 500);
    EXPECT_TRUE(outcome.disks[1].snapshot_uri.empty());
    EXPECT_TRUE(outcome.disks[2].successful);
}

TEST_F(BlobTransportTest, TellsTheServicesReasonsApart) {
    const std::string xml = "\xef\xbb\xbf<?xml version=\"1.0\"?><Error><Message>";

    const DiskOutcome count = outcome_of(http_reply(
        409, xml + "The snapshot count against this blob has been exceeded.\nRequestId:0"));
    const DiskOutcome rate =
        outcome_of(http_reply(409, xml + "The rate of snapshot blob calls is exceeded.\n"));
    const DiskOutcome other = outcome_of(http_reply(403, xml + "Server failed to authenticate"));

    EXPECT_EQ(count.error->code(), Code::snapshot_limit_reached);
    EXPECT_EQ(rate.error->code(), Code::snapshot_rate_exceeded);
    EXPECT_EQ(other.error->code(), Code::blob_refused);
    EXPECT_EQ(other.status_code, 403);
    EXPECT_TRUE(other.service_message.starts_with("<?xml")) << "the byte order mark is left out";
}

TEST_F(BlobTransportTest, DoesNotBelieveASuccessWithoutASnapshot) {
    const DiskOutcome disk = outcome_of(http_reply(201));

    EXPECT_FALSE(disk.successful);
    EXPECT_EQ(disk.error->code(), Code::blob_refused);
}

TEST_F(BlobTransportTest, TakesNothingUnprepared) {
    BlobTransport transport(http, clock, blobs(1), settings);

    const SnapshotOutcome outcome = transport.take();

    EXPECT_EQ(outcome.error->code(), Code::internal);
    EXPECT_TRUE(http.sent.empty());
}

TEST(BlobUri, KeepsAPortThatIsNotTheSchemesOwn) {
    HttpTarget blob = sample_blob("d.vhd");
    EXPECT_EQ(blob_uri(blob), "https://mockacct.blob.core.windows.net/vhds/d.vhd");
    blob.port = 10000;
    EXPECT_EQ(blob_uri(blob), "https://mockacct.blob.core.windows.net:10000/vhds/d.vhd");
}

TEST(BlobUri, IsWrittenAsTheSettingsWriteIt) {
    HttpTarget blob = sample_blob("d.vhd");
    blob.port_given = true;
    EXPECT_EQ(blob_uri(blob), "https://mockacct.blob.core.windows.net:443/vhds/d.vhd");
    EXPECT_EQ(blob_uri(with_component(blob, "page")), blob_uri(blob));
    blob.host = "fd00::1";
    EXPECT_EQ(blob_uri(blob), "https://[fd00::1]:443/vhds/d.vhd");
}

TEST(BlobEncryption, IsReadFromTheMetadataOfEachBlob) {
    FakeClock clock;
    FakeHttpClient client;
    client.queued.push_back(http_reply(200, "", {{"x-ms-meta-DiskEncryptionSettings", "abc"}}));
    client.queued.push_back(http_reply(403));
    client.queued.push_back(http_reply(200));
    std::vector<HttpTarget> blobs;
    for (const char* name : {"a", "b", "c"}) {
        blobs.push_back(sample_blob(name));
    }

    const std::vector<std::string> found = read_blob_encryption(client, clock, blobs);

    EXPECT_EQ(found, (std::vector<std::string>{"abc", "", ""}));
    EXPECT_EQ(client.sent[0].line,
              "GET /vhds/a?sv=2018-03-28&sr=b&sig=SECRETSIGNATURE%2Babc%3D&sp=rw&comp=metadata");
    EXPECT_EQ(client.sent[0].header("x-ms-date"), "Sun, 22 Nov 2026 21:17:32 GMT");
    EXPECT_EQ(client.sent[0].header("x-ms-version"), "2018-03-28");
}

}  // namespace
}  // namespace stillpoint::testing
