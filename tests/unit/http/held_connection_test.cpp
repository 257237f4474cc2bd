// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/http/held_http_fixture.h"

namespace stillpoint::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using PreparedConnection = HeldHttpTest;
INSTANTIATE_TEST_SUITE_P(Both, PreparedConnection, ::testing::Bool(), plain_or_tls);

Script created() {
    return replies(201, "", "");
}

TEST_P(PreparedConnection, IsUsedForTheRequestWithoutAnotherLookUp) {
    ScriptedServer server(created(), server_tls());
    const auto request = prepare_one(put(server.port(), tls()));
    ASSERT_EQ(look_ups->load(), 1);

    EXPECT_TRUE(refresh_one(request.get()));
    const Exchange exchange = send_one(request.get());

    EXPECT_TRUE(exchange.reply);
    EXPECT_EQ(server.connections(), 1);
    EXPECT_EQ(look_ups->load(), 1);
}

TEST_P(PreparedConnection, IsReplacedOnceWhenItWasClosedBeforeTheFirstByte) {
    ScriptedServer server(created(), server_tls());
    const auto request = prepare_one(put(server.port(), tls()));
    ASSERT_TRUE(server.wait_for_connections(1));
    server.close_connections();

    const Exchange exchange = send_one(request.get());

    ASSERT_TRUE(exchange.reply) << exchange.reply.error().describe();
    EXPECT_EQ(exchange.reply->status, 201);
    EXPECT_EQ(server.requests().size(), 1u);
    EXPECT_EQ(server.connections(), 2);
    EXPECT_EQ(look_ups->load(), 1);
}

TEST_P(PreparedConnection, IsReplacedWhenItWasReset) {
    ScriptedServer server(created(), server_tls());
    const auto request = prepare_one(put(server.port(), tls()));
    ASSERT_TRUE(server.wait_for_connections(1));
    server.close_connections(true);

    const Exchange exchange = send_one(request.get());

    ASSERT_TRUE(exchange.reply) << exchange.reply.error().describe();
    EXPECT_EQ(server.requests().size(), 1u);
    EXPECT_EQ(server.connections(), 2);
}

TEST_P(PreparedConnection, IsMadeGoodAgainByRefresh) {
    ScriptedServer server(created(), server_tls());
    const auto request = prepare_one(put(server.port(), tls()));
    ASSERT_TRUE(server.wait_for_connections(1));
    server.close_connections();

    const Result<void> refreshed = refresh_one(request.get());
    const bool connected_again = server.wait_for_connections(2);
    const Exchange exchange = send_one(request.get());

    EXPECT_TRUE(refreshed);
    EXPECT_TRUE(connected_again);
    EXPECT_TRUE(exchange.reply);
    EXPECT_EQ(server.connections(), 2);
    EXPECT_EQ(server.requests().size(), 1u);
}

TEST_P(PreparedConnection, OnWhichTheServerSaidGoodbyeIsReplaced) {
    ScriptedServer server(created(), server_tls());
    const auto request = prepare_one(put(server.port(), tls()));
    ASSERT_TRUE(server.wait_for_connections(1));
    server.write_unasked("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n");
    server.close_connections();

    const Exchange exchange = send_one(request.get());

    ASSERT_TRUE(exchange.reply) << exchange.reply.error().describe();
    EXPECT_EQ(exchange.reply->status, 201);
    EXPECT_EQ(server.requests().size(), 1u);
}

TEST_P(PreparedConnection, ThatCannotBeReplacedSendsNothing) {
    ScriptedServer server(created(), server_tls());
    const auto request = prepare_one(put(server.port(), tls()));
    ASSERT_TRUE(server.wait_for_connections(1));
    server.close_connections();
    server.stop_listening();

    const Result<void> refreshed = refresh_one(request.get());
    const Exchange exchange = send_one(request.get());

    EXPECT_FALSE(refreshed);
    ASSERT_FALSE(exchange.reply);
    EXPECT_FALSE(exchange.sent_anything);
    EXPECT_TRUE(server.requests().empty());
}

TEST_P(PreparedConnection, IsSentOnceOnly) {
    ScriptedServer server(created(), server_tls());
    const auto request = prepare_one(put(server.port(), tls()));

    const Exchange first = send_one(request.get());
    const Exchange second = send_one(request.get());

    EXPECT_TRUE(first.reply);
    ASSERT_FALSE(second.reply);
    EXPECT_FALSE(second.sent_anything);
    EXPECT_FALSE(refresh_one(request.get()));
    EXPECT_EQ(server.requests().size(), 1u);
}

TEST_P(PreparedConnection, IsNotUsedAfterTheDeadline) {
    ScriptedServer server(created(), server_tls());
    const auto request = prepare_one(put(server.port(), tls()));

    const std::vector<Exchange> exchanges = http.send({request.get()}, Deadline(clock.now()));

    EXPECT_FALSE(exchanges.at(0).reply);
    EXPECT_FALSE(exchanges.at(0).sent_anything);
    EXPECT_TRUE(server.requests().empty());
}

TEST_P(PreparedConnection, OutlivesTheClientThatMadeIt) {
    ScriptedServer server(created(), server_tls());
    auto other = std::make_unique<linux_os::BeastHeldHttp>(
        clock, linux_os::BeastHeldHttp::Settings{test_ca().bundle(), resolver()});
    std::vector<HttpRequest> requests;
    requests.push_back(put(server.port(), tls()));
    Prepared left = other->prepare(std::move(requests), in(seconds(5)));

    other.reset();

    ASSERT_TRUE(left.at(0));
    left.clear();  // under AddressSanitizer this would show what is used after its end
}

struct Preparing : HeldHttpFixture, ::testing::Test {
    Error error_of(HttpRequest request, milliseconds limit = seconds(10)) {
        std::vector<HttpRequest> requests;
        requests.push_back(std::move(request));
        Prepared prepared = http.prepare(std::move(requests), in(limit));
        EXPECT_FALSE(prepared.at(0)) << "it was prepared";
        return prepared.at(0) ? fail(Code::internal, "prepared") : prepared.at(0).error();
    }
};

TEST_F(Preparing, RefusesACertificateOfAnUnknownAuthority) {
    const TestCa stranger;
    ScriptedServer server(created(), stranger.server_context("DNS:blob.test"));

    const std::string text = error_of(put(server.port(), true)).describe();

    EXPECT_NE(text.find("not trusted"), std::string::npos) << text;
    EXPECT_TRUE(server.requests().empty());
}

TEST_F(Preparing, RefusesACertificateForAnotherName) {
    ScriptedServer server(created(), test_ca().server_context("DNS:other.test,IP:127.0.0.1"));

    const std::string text = error_of(put(server.port(), true)).describe();

    EXPECT_NE(text.find("hostname mismatch"), std::string::npos) << text;
}

TEST_F(Preparing, ChecksAnAddressAgainstTheCertificateToo) {
    ScriptedServer good(created(), test_ca().server_context("IP:127.0.0.1"));
    ScriptedServer bad(created(), test_ca().server_context("DNS:127.0.0.1"));

    EXPECT_NE(prepare_one(put(good.port(), true, "127.0.0.1")), nullptr);
    EXPECT_NE(error_of(put(bad.port(), true, "127.0.0.1")).describe().find("IP address mismatch"),
              std::string::npos);
}

TEST_F(Preparing, NamesAHostThatCannotBeResolved) {
    EXPECT_NE(error_of(put(1, true, "nowhere.test")).describe().find("nowhere.test"),
              std::string::npos);
}

TEST_F(Preparing, NamesARefusedConnection) {
    ScriptedServer server(created());
    server.stop_listening();

    const Error error = error_of(put(server.port(), false));

    ASSERT_TRUE(error.os()) << error.describe();
    EXPECT_EQ(error.os()->number, ECONNREFUSED);
}

TEST_F(Preparing, GivesUpOnAResolverThatHangs) {
    const auto release = std::make_shared<std::atomic<bool>>(false);
    linux_os::BeastHeldHttp hung(
        clock, {test_ca().bundle(), [release](const std::string&) -> Result<linux_os::Addresses> {
                    release->wait(false);
                    return linux_os::Addresses{};
                }});
    std::vector<HttpRequest> requests;
    requests.push_back(put(1, true));

    const Instant before = clock.now();
    const Prepared prepared = hung.prepare(std::move(requests), in(milliseconds(200)));
    const Instant took = clock.now() - before;
    *release = true;
    release->notify_all();

    ASSERT_FALSE(prepared.at(0));
    EXPECT_LT(took, milliseconds(2000));
}

TEST_F(Preparing, GivesUpOnAHandshakeThatHangs) {
    ScriptedServer silent(created());  // it waits for a request and never answers a ClientHello

    const Instant before = clock.now();
    const Error error = error_of(put(silent.port(), true), milliseconds(300));

    EXPECT_NE(error.describe().find("not ready in time"), std::string::npos) << error.describe();
    EXPECT_LT(clock.now() - before, milliseconds(2000));
}

TEST_F(Preparing, SaysSoWhenThereIsNoBundleOfCertificates) {
    linux_os::BeastHeldHttp none(clock, {"/nonexistent/bundle.pem", resolver()});
    ScriptedServer server(created());
    std::vector<HttpRequest> requests;
    requests.push_back(put(server.port(), true));
    requests.push_back(put(server.port(), false));

    const Prepared prepared = none.prepare(std::move(requests), in(seconds(5)));

    ASSERT_FALSE(prepared.at(0));
    EXPECT_NE(prepared.at(0).error().describe().find("/nonexistent/bundle.pem"), std::string::npos);
    EXPECT_TRUE(prepared.at(1)) << "plain HTTP needs no certificates";
}

TEST_F(Preparing, RefusesAHeaderThatWouldEndItsLine) {
    HttpRequest request = put(1, false);
    request.headers.emplace_back("x-ms-meta-a", "b\r\nx-ms-version: 1");

    const Error error = error_of(std::move(request));

    EXPECT_EQ(error.code(), Code::settings_malformed);
    EXPECT_NE(error.describe().find("x-ms-meta-a"), std::string::npos);
}

TEST_F(Preparing, TriesTheNextAddressWhenTheFirstRefuses) {
    ScriptedServer server(created());
    linux_os::BeastHeldHttp two(
        clock, {test_ca().bundle(), [](const std::string&) {
                    return Result<linux_os::Addresses>(linux_os::Addresses{"::1", "127.0.0.1"});
                }});
    std::vector<HttpRequest> requests;
    requests.push_back(put(server.port(), false));

    const Prepared prepared = two.prepare(std::move(requests), in(seconds(5)));

    EXPECT_TRUE(prepared.at(0));
}

}  // namespace
}  // namespace stillpoint::testing
