// SPDX-License-Identifier: Apache-2.0
#include "snapshot/host_transport.h"

#include <gtest/gtest.h>

#include "snapshot/host_service.h"
#include "tests/fakes/fake_held_http.h"
#include "tests/fakes/fake_http_client.h"
#include "tests/unit/transport/sample_request.h"

namespace stillpoint::testing {
namespace {

struct HostTransportTest : ::testing::Test {
    FakeClock clock;
    FakeHeldHttp http{clock};
    BackupRequest request = sample_request();
    HostTransport transport{http, clock, request, std::nullopt, {}};
    Deadline soon{clock.now() + std::chrono::seconds(5)};
};

TEST_F(HostTransportTest, SendsTheRecordedRequestAndReadsTheReply) {
    http.answer = [](const std::string&) {
        return http_reply(200, R"({"snapshotInfo": [
            {"isSuccessful":"true","snapshotUri":"u0","errorMessage":"","statusCode":200},
            {"isSuccessful":"true","snapshotUri":"u1","errorMessage":"","statusCode":200},
            {"isSuccessful":"true","snapshotUri":"u2","errorMessage":"","statusCode":200}]})");
    };
    ASSERT_TRUE(transport.prepare(soon));
    ASSERT_TRUE(transport.refresh(soon));
    const Instant before = clock.now();

    const SnapshotOutcome outcome = transport.take();

    EXPECT_TRUE(outcome.all_successful());
    EXPECT_EQ(outcome.by, SnapshotOutcome::By::host);
    EXPECT_EQ(outcome.first_sent, before);
    EXPECT_EQ(outcome.last_reply, before + http.reply_takes);
    EXPECT_EQ(http.send_deadline->at(), before + std::chrono::seconds(40));
    ASSERT_EQ(http.sent.size(), 1u);
    const std::string head = http.sent[0].substr(0, http.sent[0].find("\r\n\r\n"));
    EXPECT_EQ(head,
              "POST /metadata/recsvc/snapshot/dosnapshot?api-version=2017-12-01 HTTP/1.1\r\n"
              "Host: 168.63.129.16\r\n"
              "Accept-Encoding: identity\r\n"
              "Content-Length: 518\r\n"
              "Backup: true\r\n"
              "Content-type: application/json\r\n"
              "UserAgent: VMSnapshot");
}

TEST_F(HostTransportTest, SaysThatTheHostCannotBeReached) {
    http.cannot_prepare.emplace("/metadata/recsvc/snapshot/dosnapshot",
                                fail(Code::http_failed, "refused"));

    const Result<void> prepared = transport.prepare(soon);

    ASSERT_FALSE(prepared);
    EXPECT_EQ(prepared.error().code(), Code::host_unreachable);
    EXPECT_EQ(prepared.error().cause()->message(), "refused");
}

TEST_F(HostTransportTest, SaysThatTheConnectionCouldNotBeMadeGoodAgain) {
    ASSERT_TRUE(transport.prepare(soon));
    http.cannot_refresh = fail(Code::http_failed, "refused");

    const Result<void> refreshed = transport.refresh(soon);

    ASSERT_FALSE(refreshed);
    EXPECT_EQ(refreshed.error().code(), Code::host_unreachable);
}

TEST_F(HostTransportTest, ReportsALostReply) {
    http.answer = [](const std::string&) -> Result<HttpReply> {
        return fail(Code::http_failed, "no reply in time");
    };
    ASSERT_TRUE(transport.prepare(soon));

    const SnapshotOutcome outcome = transport.take();

    EXPECT_FALSE(outcome.answered);
    EXPECT_EQ(outcome.host_status, 555);
    EXPECT_EQ(outcome.error->code(), Code::host_unreachable);
    EXPECT_TRUE(outcome.none_successful());
}

TEST_F(HostTransportTest, TakesNothingUnprepared) {
    const SnapshotOutcome outcome = transport.take();

    EXPECT_EQ(outcome.error->code(), Code::internal);
    EXPECT_TRUE(http.sent.empty());
}

TEST(HostService, MakesTheRecordedCallOnce) {
    FakeHttpClient http;
    http.queued.push_back(http_reply(200, R"({"result": "Success"})"));
    HostService service(http);

    const PreSnapshot answer = service.presnapshot(sample_request(), false);

    EXPECT_TRUE(answer.ready());
    EXPECT_EQ(answer.result, "Success");
    ASSERT_EQ(http.sent.size(), 1u);
    EXPECT_EQ(http.sent[0].line,
              "POST /metadata/recsvc/snapshot/presnapshot?api-version=2017-12-01");
    EXPECT_EQ(http.sent[0].header("UserAgent"), "VMSnapshot");
    EXPECT_EQ(http.sent[0].timeout, std::chrono::seconds(40));
}

TEST(HostService, DoesNotAskAgainWhenThereIsNoAnswer) {
    FakeHttpClient http;
    HostService service(http);

    const PreSnapshot answer = service.presnapshot(sample_request(), true);

    EXPECT_EQ(answer.status, 555);
    EXPECT_EQ(http.sent.size(), 1u);
}

}  // namespace
}  // namespace stillpoint::testing
