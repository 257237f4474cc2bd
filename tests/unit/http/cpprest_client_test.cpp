// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/cpprest_client.h"

#include "tests/unit/http/held_http_fixture.h"

namespace stillpoint::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct CpprestTest : ::testing::TestWithParam<bool> {
    linux_os::SystemClock clock;
    linux_os::CpprestClient client{{.ca_bundle = test_ca().bundle(), .max_body = 1024 * 1024}};

    bool tls() const { return GetParam(); }
    std::shared_ptr<SSL_CTX> server_tls() const {
        return tls() ? test_ca().server_context("DNS:localhost,IP:127.0.0.1") : nullptr;
    }
    HttpRequest request(int port, const std::string& method = "PUT", std::string body = "text") {
        HttpRequest made;
        made.method = method;
        made.target = {tls(), "127.0.0.1", port, "/status/vm1.status",
                       Secret(std::string("sv=1&sig=a%2Bb%3D&se=2030-01-01T00%3A00%3A00Z"))};
        made.headers = {{"x-ms-blob-type", "BlockBlob"}};
        made.body = std::move(body);
        return made;
    }
};

using Cpprest = CpprestTest;
INSTANTIATE_TEST_SUITE_P(Both, Cpprest, ::testing::Bool(), plain_or_tls);

TEST_P(Cpprest, SendsOneRequestWithItsQueryByteForByte) {
    ScriptedServer server(replies(201, "x-ms-version: 1\r\n", "body"), server_tls());

    const Result<HttpReply> reply = client.send(request(server.port()), seconds(10));

    ASSERT_TRUE(reply) << reply.error().describe();
    EXPECT_EQ(reply->status, 201);
    EXPECT_EQ(reply->body, "body");
    EXPECT_EQ(reply->header("X-MS-Version"), "1");
    ASSERT_EQ(server.requests().size(), 1u);
    const ReceivedRequest received = server.requests()[0];
    EXPECT_EQ(received.line(),
              "PUT /status/vm1.status?sv=1&sig=a%2Bb%3D&se=2030-01-01T00%3A00%3A00Z HTTP/1.1");
    EXPECT_EQ(received.body, "text");
    for (const char* line :
         {"\r\nHost", "\r\nAccept-Encoding", "\r\nContent-Length", "\r\nx-ms-blob-type"}) {
        EXPECT_NE(received.head.find(line), std::string::npos) << line << " in " << received.head;
    }
    EXPECT_EQ(received.head.find("Content-Type"), std::string::npos) << received.head;
    EXPECT_EQ(received.head.find("Expect"), std::string::npos) << received.head;
}

TEST_P(Cpprest, SendsAnEmptyPutWithItsLength) {
    ScriptedServer server(replies(201, "", ""), server_tls());

    const Result<HttpReply> reply = client.send(request(server.port(), "PUT", ""), seconds(10));

    ASSERT_TRUE(reply) << reply.error().describe();
    const std::string head = server.requests().at(0).head;
    EXPECT_NE(head.find("Content-Length"), std::string::npos) << head;
    EXPECT_EQ(head.find("Transfer-Encoding"), std::string::npos) << head;
}

TEST_P(Cpprest, ReadsTheHeadersOfAHeadRequest) {
    ScriptedServer server(sends("HTTP/1.1 200 OK\r\nContent-Length: 512\r\n"
                                "x-ms-blob-type: PageBlob\r\n\r\n"),
                          server_tls());

    const Result<HttpReply> reply = client.send(request(server.port(), "HEAD", ""), seconds(10));

    ASSERT_TRUE(reply) << reply.error().describe();
    EXPECT_EQ(reply->header("Content-Length"), "512");
    EXPECT_EQ(reply->header("x-ms-blob-type"), "PageBlob");
}

TEST_P(Cpprest, SendsABodyOfSeveralMebibytes) {
    ScriptedServer server(replies(201, "", ""), server_tls());
    const std::string big(5'000'000, 'b');

    const Result<HttpReply> reply = client.send(request(server.port(), "PUT", big), seconds(30));

    ASSERT_TRUE(reply) << reply.error().describe();
    EXPECT_TRUE(server.requests().at(0).body == big);
}

TEST_P(Cpprest, TakesAnErrorStatusForAReply) {
    ScriptedServer server(replies(403, "", "<Code>AuthenticationFailed</Code>"), server_tls());

    const Result<HttpReply> reply = client.send(request(server.port()), seconds(10));

    ASSERT_TRUE(reply) << reply.error().describe();
    EXPECT_EQ(reply->status, 403);
    EXPECT_EQ(reply->body, "<Code>AuthenticationFailed</Code>");
}

TEST_P(Cpprest, DoesNotFollowARedirect) {
    ScriptedServer server(replies(302, "Location: /elsewhere\r\n", ""), server_tls());

    const Result<HttpReply> reply = client.send(request(server.port()), seconds(10));

    ASSERT_TRUE(reply) << reply.error().describe();
    EXPECT_EQ(reply->status, 302);
    EXPECT_EQ(server.requests().size(), 1u);
}

TEST_P(Cpprest, EndsAtItsLimitWhenTheServerHangs) {
    ScriptedServer server(hangs(), server_tls());

    const Instant before = clock.now();
    const Result<HttpReply> reply = client.send(request(server.port()), milliseconds(400));
    const Instant took = clock.now() - before;

    EXPECT_FALSE(reply);
    EXPECT_GE(took, milliseconds(350));
    EXPECT_LT(took, milliseconds(3000));
    EXPECT_EQ(server.requests().size(), 1u);
    EXPECT_EQ(server.connections(), 1);
}

TEST_P(Cpprest, SendsNothingAgainAfterAReplyThatNeverCame) {
    for (const Script& script : {sends_and_closes(""), resets()}) {
        ScriptedServer server(script, server_tls());
        // A connection that was used before is what the library would send again on.
        (void)client.send(request(server.port()), seconds(10));
        const Result<HttpReply> reply = client.send(request(server.port()), seconds(10));

        EXPECT_FALSE(reply);
        EXPECT_EQ(server.requests().size(), 2u);
    }
}

TEST_P(Cpprest, TakesBrokenRepliesForErrors) {
    for (const Script& script :
         {sends_and_closes("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"),
          sends_and_closes("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
          sends_and_closes("nonsense\r\n\r\n"), sends_and_closes("HTTP/1.1 100 Continue\r\n\r\n"),
          sends_and_closes("HTTP/1.1 200 OK\r\nContent-Length: 1100000\r\n\r\n" +
                           std::string(1'100'000, 'x'))}) {
        ScriptedServer server(script, server_tls());

        const Result<HttpReply> reply = client.send(request(server.port()), seconds(10));

        EXPECT_FALSE(reply) << reply->status << ' ' << reply->body.substr(0, 100);
        EXPECT_EQ(server.requests().size(), 1u);
    }
}

TEST_P(Cpprest, ReadsAChunkedBody) {
    ScriptedServer server(sends("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"),
                          server_tls());

    const Result<HttpReply> reply = client.send(request(server.port()), seconds(10));

    ASSERT_TRUE(reply) << reply.error().describe();
    EXPECT_EQ(reply->body, "abcde");
}

TEST_P(Cpprest, NamesARefusedConnection) {
    ScriptedServer server(replies(201, "", ""), server_tls());
    server.stop_listening();

    const Result<HttpReply> reply = client.send(request(server.port()), seconds(10));

    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().code(), Code::http_failed);
    EXPECT_EQ(reply.error().describe().find("sig="), std::string::npos);
}

TEST_P(Cpprest, RefusesAHeaderThatWouldEndItsLine) {
    HttpRequest bad = request(1);
    bad.headers.emplace_back("x-ms-meta-a", "b\r\nc: d");

    const Result<HttpReply> reply = client.send(std::move(bad), seconds(1));

    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().code(), Code::settings_malformed);
}

struct CpprestTls : CpprestTest {};
INSTANTIATE_TEST_SUITE_P(Only, CpprestTls, ::testing::Values(true), plain_or_tls);

TEST_P(CpprestTls, RefusesACertificateOfAnUnknownAuthority) {
    const TestCa stranger;
    ScriptedServer server(replies(201, "", ""), stranger.server_context("IP:127.0.0.1"));

    EXPECT_FALSE(client.send(request(server.port()), seconds(10)));
    EXPECT_TRUE(server.requests().empty());
}

TEST_P(CpprestTls, RefusesACertificateForAnotherName) {
    ScriptedServer server(replies(201, "", ""), test_ca().server_context("DNS:other.test"));

    EXPECT_FALSE(client.send(request(server.port()), seconds(10)));
    EXPECT_TRUE(server.requests().empty());
}

TEST_P(CpprestTls, SaysSoWhenThereIsNoBundleOfCertificates) {
    linux_os::CpprestClient none({.ca_bundle = "/nonexistent/bundle.pem"});

    const Result<HttpReply> reply = none.send(request(1), seconds(1));

    ASSERT_FALSE(reply);
    EXPECT_NE(reply.error().describe().find("/nonexistent/bundle.pem"), std::string::npos);
}

}  // namespace
}  // namespace stillpoint::testing
