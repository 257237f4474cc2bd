// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/http/held_http_fixture.h"

namespace stillpoint::testing {
namespace {

using std::chrono::milliseconds;
using HeldExchange = HeldHttpTest;
INSTANTIATE_TEST_SUITE_P(Both, HeldExchange, ::testing::Bool(), plain_or_tls);

TEST_P(HeldExchange, SendsTheBytesOfTheRecordedRequest) {
    ScriptedServer server(replies(201, "x-ms-snapshot: 2026-11-22T21:20:16Z\r\n", ""),
                          server_tls());

    const Exchange exchange = exchange_with(server);

    ASSERT_TRUE(exchange.reply) << exchange.reply.error().describe();
    EXPECT_EQ(exchange.reply->status, 201);
    EXPECT_EQ(exchange.reply->header("X-Ms-Snapshot"), "2026-11-22T21:20:16Z");
    EXPECT_TRUE(exchange.sent_anything);
    EXPECT_GT(exchange.sent.count(), 0);
    EXPECT_LT(exchange.sent, exchange.replied);
    ASSERT_EQ(server.requests().size(), 1u);
    EXPECT_EQ(server.requests()[0].head,
              "PUT /vhds/disk0.vhd?sv=1&sig=a%2Bb%3D&comp=snapshot HTTP/1.1\r\n"
              "Host: blob.test:" +
                  std::to_string(server.port()) +
                  "\r\n"
                  "Accept-Encoding: identity\r\n"
                  "Content-Length: 0\r\n"
                  "x-ms-meta-BackupId: 1111\r\n"
                  "x-ms-meta-DeploymentType: IaaS\r\n\r\n");
}

TEST_P(HeldExchange, SendsABodyAndReadsOne) {
    ScriptedServer server(replies(500, "", "{ \"error\": 1}"), server_tls());
    HttpRequest post = put(server.port(), tls());
    post.method = "POST";
    post.body = "{\"taskId\": \"a\"}";

    const auto request = prepare_one(std::move(post));
    const Exchange exchange = send_one(request.get());

    ASSERT_TRUE(exchange.reply) << exchange.reply.error().describe();
    EXPECT_EQ(exchange.reply->status, 500);
    EXPECT_EQ(exchange.reply->body, "{ \"error\": 1}");
    EXPECT_EQ(server.requests().at(0).body, "{\"taskId\": \"a\"}");
}

TEST_P(HeldExchange, SkipsInterimReplies) {
    ScriptedServer server(sends("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nA: b\r\n\r\n"
                                "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok"),
                          server_tls());

    const Exchange exchange = exchange_with(server);

    ASSERT_TRUE(exchange.reply) << exchange.reply.error().describe();
    EXPECT_EQ(exchange.reply->status, 201);
    EXPECT_EQ(exchange.reply->body, "ok");
    EXPECT_EQ(server.requests().size(), 1u);
}

TEST_P(HeldExchange, ReadsAChunkedBody) {
    ScriptedServer server(sends("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                "3;a=b\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: x\r\n\r\n"),
                          server_tls());

    const Exchange exchange = exchange_with(server);

    ASSERT_TRUE(exchange.reply) << exchange.reply.error().describe();
    EXPECT_EQ(exchange.reply->body, "abcde");
}

TEST_P(HeldExchange, DoesNotFollowARedirect) {
    ScriptedServer server(replies(302, "Location: /elsewhere\r\n", ""), server_tls());

    const Exchange exchange = exchange_with(server);

    ASSERT_TRUE(exchange.reply) << exchange.reply.error().describe();
    EXPECT_EQ(exchange.reply->status, 302);
    EXPECT_EQ(server.requests().size(), 1u);
}

TEST_P(HeldExchange, AwaitsASlowReply) {
    ScriptedServer server(after(milliseconds(300), replies(201, "", "")), server_tls());

    const Exchange exchange = exchange_with(server);

    ASSERT_TRUE(exchange.reply) << exchange.reply.error().describe();
    EXPECT_GE(exchange.replied - exchange.sent, milliseconds(300));
}

TEST_P(HeldExchange, EndsAtTheDeadlineWhenTheServerHangs) {
    ScriptedServer server(hangs(), server_tls());
    const auto request = prepare_one(put(server.port(), tls()));

    const Instant before = clock.now();
    const Exchange exchange = send_one(request.get(), milliseconds(250));
    const Instant took = clock.now() - before;

    ASSERT_FALSE(exchange.reply);
    EXPECT_NE(exchange.reply.error().describe().find("no reply in time"), std::string::npos);
    EXPECT_TRUE(exchange.sent_anything);
    EXPECT_GE(took, milliseconds(250));
    EXPECT_LT(took, milliseconds(2000));
    EXPECT_EQ(server.requests().size(), 1u);
}

struct BadReply {
    const char* name;
    Script script;
    const char* said;
};

struct BadReplies : HeldHttpFixture, ::testing::TestWithParam<std::tuple<bool, BadReply>> {};

TEST_P(BadReplies, AreErrorsAndTheRequestIsNotSentAgain) {
    const auto& [tls, bad] = GetParam();
    ScriptedServer server(bad.script, tls ? test_ca().server_context("DNS:blob.test") : nullptr);
    const auto request = prepare_one(put(server.port(), tls));

    const Exchange exchange = send_one(request.get());

    ASSERT_FALSE(exchange.reply) << exchange.reply->status;
    EXPECT_NE(exchange.reply.error().describe().find(bad.said), std::string::npos)
        << exchange.reply.error().describe();
    EXPECT_EQ(exchange.reply.error().describe().find("sig="), std::string::npos);
    EXPECT_TRUE(exchange.sent_anything);
    EXPECT_EQ(server.requests().size(), 1u);
    EXPECT_EQ(server.connections(), 1);
}

std::string big_header() {
    return "HTTP/1.1 200 OK\r\nA: " + std::string(60'000, 'x') + "\r\nContent-Length: 0\r\n\r\n";
}
std::string big_body(const std::string& framing, const std::string& end = "\r\n\r\n") {
    return "HTTP/1.1 200 OK\r\n" + framing + end + std::string(1'100'000, 'x');
}

INSTANTIATE_TEST_SUITE_P(
    All, BadReplies,
    ::testing::Combine(
        ::testing::Bool(),
        ::testing::Values(
            BadReply{"ClosedBefore", sends_and_closes(""),
                     "closed the connection before its reply"},
            BadReply{"Reset", resets(), "the connection before its reply"},
            BadReply{"CutBody", sends_and_closes("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"),
                     "cut its reply off"},
            BadReply{"CutHead", sends_and_closes("HTTP/1.1 200 OK\r\nContent-Le"),
                     "cut its reply off"},
            BadReply{
                "CutChunk",
                sends_and_closes("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"),
                "cut its reply off"},
            BadReply{
                "BadChunk",
                sends_and_closes("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
                "not HTTP"},
            BadReply{"Garbage", sends_and_closes("\x01\x02 nonsense\r\n\r\n"), "not HTTP"},
            BadReply{"OnlyInterim", sends_and_closes("HTTP/1.1 100 Continue\r\n\r\n"),
                     "closed the connection before its reply"},
            BadReply{"HugeHeader", sends_and_closes(big_header()), "larger than 32 KiB"},
            BadReply{"HugeBody", sends_and_closes(big_body("Content-Length: 1100000")),
                     "larger than 1 MiB"},
            BadReply{"HugeChunkedBody",
                     sends_and_closes(big_body("Transfer-Encoding: chunked\r\n\r\n10c8e0", "\r\n")),
                     "larger than 1 MiB"},
            BadReply{"HugeBodyWithoutLength", sends_and_closes(big_body("Server: x")),
                     "larger than 1 MiB"})),
    [](const auto& given) {
        return std::string(std::get<1>(given.param).name) +
               (std::get<0>(given.param) ? "Tls" : "Plain");
    });

TEST(HeldExchangeInParallel, WaitsAsLongAsTheSlowestAndReportsEachAtItsPlace) {
    HeldHttpFixture held;
    ScriptedServer slow(after(milliseconds(300), replies(201, "", "slow")));
    ScriptedServer broken(sends_and_closes(""));
    ScriptedServer hung(hangs());
    std::vector<HttpRequest> requests;
    for (const int port : {slow.port(), broken.port(), slow.port(), hung.port()}) {
        requests.push_back(HeldHttpFixture::put(port, false));
    }

    Prepared prepared = held.http.prepare(std::move(requests), held.in(std::chrono::seconds(10)));
    std::vector<PreparedRequest*> ready;
    for (auto& entry : prepared) {
        ASSERT_TRUE(entry) << entry.error().describe();
        ready.push_back(entry->get());
    }
    const Instant before = held.clock.now();
    const std::vector<Exchange> exchanges = held.http.send(ready, held.in(milliseconds(900)));
    const Instant took = held.clock.now() - before;

    ASSERT_EQ(exchanges.size(), 4u);
    EXPECT_TRUE(exchanges[0].reply);
    EXPECT_FALSE(exchanges[1].reply);
    EXPECT_TRUE(exchanges[2].reply);
    EXPECT_FALSE(exchanges[3].reply);
    EXPECT_LT(took, milliseconds(3000));
    EXPECT_EQ(slow.requests().size(), 2u);
    EXPECT_EQ(broken.requests().size(), 1u);
    EXPECT_EQ(hung.requests().size(), 1u);
}

}  // namespace
}  // namespace stillpoint::testing
