// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platform/http_wire.h"
#include "platform/no_proxy.h"
#include "platform/proxy.h"
#include "platform/proxy_client.h"
#include "tests/fakes/fake_held_http.h"
#include "tests/fakes/fake_http_client.h"

namespace stillpoint::testing {
namespace {

using std::chrono::seconds;

struct Exception {
    const char* entry;
    const char* host;
    bool excepted;
    int port = 443;
};

TEST(IsExcepted, FollowsTheTable) {
    const Exception table[] = {
        {"*", "anything", true},
        {"example.com", "example.com", true},
        {"example.com", "EXAMPLE.com.", true},
        {"EXAMPLE.com", "a.b.example.com", true},
        {".example.com", "a.example.com", true},
        {".example.com", "example.com", true},
        {"*.example.com", "a.example.com", true},
        {"example.com", "badexample.com", false},
        {"example.com", "example.com.evil", false},
        {"a.example.com", "example.com", false},
        {"example.com:8443", "example.com", true, 8443},
        {"example.com:8443", "example.com", false, 443},
        {"10.1.2.3", "10.1.2.3", true},
        {"1.2.3", "10.1.2.3", false},
        {".2.3", "10.1.2.3", false},
        {"10.1.2.3:80", "10.1.2.3", true, 80},
        {"10.0.0.0/8", "10.200.1.1", true},
        {"10.0.0.0/8", "11.0.0.1", false},
        {"10.0.0.0/8", "a.example.com", false},
        {"192.168.4.0/22", "192.168.7.255", true},
        {"192.168.4.0/22", "192.168.8.0", false},
        {"0.0.0.0/0", "8.8.8.8", true},
        {"8.8.8.8/32", "8.8.8.8", true},
        {"8.8.8.8/32", "8.8.8.9", false},
        {"10.0.0.0/33", "10.0.0.1", false},
        {"10.0.0/8", "10.0.0.1", false},
        {"fd00::1", "fd00::1", true},
        {"FD00::1", "fd00::1", true},
        {"fd00::/8", "fd00::1", false},
        {"", "example.com", false},
        {".", "example.com", false},
    };
    for (const Exception& row : table) {
        EXPECT_EQ(is_excepted({"other.test", row.entry}, row.host, row.port), row.excepted)
            << row.entry << " for " << row.host << ":" << row.port;
    }
    EXPECT_FALSE(is_excepted({}, "example.com", 443));
}

TEST(IsException, KnowsNetworksThatAreMiswritten) {
    EXPECT_TRUE(is_exception("10.0.0.0/8"));
    EXPECT_TRUE(is_exception(".example"));
    EXPECT_FALSE(is_exception("10.0.0.0/33"));
    EXPECT_FALSE(is_exception("fd00::/8"));
    EXPECT_FALSE(is_exception(""));
}

TEST(IsNear, HoldsForThisMachineAndItsHost) {
    for (const char* host : {"168.63.129.16", "127.0.0.1", "127.9.9.9", "localhost", "LOCALHOST.",
                             "a.localhost", "::1", "169.254.169.254", "fe80::1", "FEBF::2"}) {
        EXPECT_TRUE(is_near(host)) << host;
    }
    for (const char* host : {"168.63.129.17", "128.0.0.1", "169.255.0.1", "localhost.test",
                             "notlocalhost", "fec0::1", "fe8::1", "feb.example", "10.0.0.1", ""}) {
        EXPECT_FALSE(is_near(host)) << host;
    }
}

struct Rules : ::testing::Test {
    static std::shared_ptr<const ProxyServer> server(const std::string& host) {
        auto made = std::make_shared<ProxyServer>();
        made->host = host;
        made->port = 3128;
        made->credentials = Secret(std::string("user:PLANTED"));
        made->source = "'a file'";
        return made;
    }
    static HttpTarget target(bool tls, const std::string& host, int port = 443) {
        return HttpTarget{tls, host, port, "/c/b", Secret()};
    }
    ProxyRules rules{ProxyRules::Settings{.for_tls = server("secure.test"),
                                          .for_plain = server("plain.test"),
                                          .exceptions = {".inside.test"},
                                          .local_hosts = {"host.test"}}};
};

TEST_F(Rules, ChooseByScheme) {
    EXPECT_EQ(rules.choose(target(true, "a.test"))->host, "secure.test");
    EXPECT_EQ(rules.choose(target(false, "a.test"))->host, "plain.test");
    EXPECT_EQ(ProxyRules().choose(target(true, "a.test")), nullptr);
}

TEST_F(Rules, ChooseNoneForExceptionsTheHostAndWhatIsNear) {
    for (const char* host : {"b.inside.test", "host.test", "168.63.129.16", "127.0.0.1"}) {
        EXPECT_EQ(rules.choose(target(true, host)), nullptr) << host;
        EXPECT_EQ(rules.choose(target(false, host)), nullptr) << host;
    }
}

TEST_F(Rules, RememberWhoIsReachedDirectly) {
    EXPECT_TRUE(rules.go_direct(target(true, "a.test")));
    EXPECT_FALSE(rules.go_direct(target(true, "a.test")));
    EXPECT_EQ(rules.choose(target(true, "a.test")), nullptr);
    EXPECT_NE(rules.choose(target(true, "a.test", 8443)), nullptr);
    EXPECT_NE(rules.choose(target(true, "b.test")), nullptr);
}

TEST_F(Rules, ShowAProxyWithoutItsLogin) {
    EXPECT_EQ(rules.shown(true), "proxy 'secure.test:3128' of 'a file'");
    EXPECT_EQ(ProxyRules().shown(false), "none");
}

TEST(TunnelBytes, AskForHostAndPortWithTheLogin) {
    const auto bytes = [](const std::string& host, int port, const std::string& login) {
        return std::string(
            tunnel_bytes(HttpTarget{true, host, port, "/", Secret()}, Secret(std::string(login)))
                .reveal());
    };
    EXPECT_EQ(bytes("a.test", 443, ""), "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n");
    // The example of RFC 7617, 2.
    EXPECT_EQ(bytes("fd00::1", 8443, "Aladdin:open sesame"),
              "CONNECT [fd00::1]:8443 HTTP/1.1\r\nHost: [fd00::1]:8443\r\n"
              "Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n");
}

struct ProxyClientTest : ::testing::Test {
    FakeClock clock;
    FakeHttpClient direct;
    FakeHeldHttp tunnels{clock};
    std::shared_ptr<ProxyRules> rules =
        std::make_shared<ProxyRules>(ProxyRules::Settings{.for_tls = Rules::server("secure.test"),
                                                          .for_plain = nullptr,
                                                          .exceptions = {},
                                                          .local_hosts = {}});
    ProxyClient client{direct, tunnels, clock, rules};

    static HttpRequest put(bool tls) {
        HttpRequest request;
        request.method = "PUT";
        request.target = Rules::target(tls, "a.test");
        request.body = "text";
        return request;
    }
};

TEST_F(ProxyClientTest, SendsThroughATunnelWhatHasAProxy) {
    tunnels.answer = [](const std::string&) { return http_reply(201, "made"); };

    const Result<HttpReply> reply = client.send(put(true), seconds(5));

    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->body, "made");
    EXPECT_TRUE(direct.sent.empty());
    ASSERT_EQ(tunnels.sent.size(), 1u);
    EXPECT_THAT(tunnels.sent[0], ::testing::EndsWith("\r\n\r\ntext"));
    EXPECT_EQ(tunnels.send_deadline->at(), Instant(clock.now() - tunnels.reply_takes + seconds(5)));
}

TEST_F(ProxyClientTest, SendsTheRestDirectly) {
    direct.queued.push_back(http_reply(200));
    direct.queued.push_back(http_reply(200));

    EXPECT_TRUE(client.send(put(false), seconds(5)));
    (void)rules->go_direct(put(true).target);
    EXPECT_TRUE(client.send(put(true), seconds(5)));

    EXPECT_EQ(direct.sent.size(), 2u);
    EXPECT_EQ(direct.sent[0].timeout, seconds(5));
    EXPECT_TRUE(tunnels.sent.empty());
}

TEST_F(ProxyClientTest, PassesOnWhyNothingCouldBePrepared) {
    tunnels.cannot_prepare.emplace("/c/b", fail(Code::http_failed, "no way"));

    const Result<HttpReply> reply = client.send(put(true), seconds(5));

    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().message(), "no way");
    EXPECT_TRUE(direct.sent.empty());
}

}  // namespace
}  // namespace stillpoint::testing
