// SPDX-License-Identifier: Apache-2.0
// Prepared requests through a proxy, and what happens when the proxy is of no use.
#include <algorithm>

#include <gmock/gmock.h>

#include "tests/support/tunnel_proxy.h"
#include "tests/unit/http/held_http_fixture.h"

namespace stillpoint::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kLogin[] = "backup:PLANTED:word";
constexpr char kEncodedLogin[] = "YmFja3VwOlBMQU5URUQ6d29yZA==";

Script created() {
    return replies(201, "", "");
}

/// An engine whose requests all go through one proxy, unless it is left.
struct Proxied {
    explicit Proxied(int port, const std::string& login = {}) {
        auto server = std::make_shared<ProxyServer>();
        server->host = "proxy.test";
        server->port = port;
        server->credentials = Secret(std::string(login));
        server->source = "'a file'";
        rules = std::make_shared<ProxyRules>(ProxyRules::Settings{
            .for_tls = server, .for_plain = server, .exceptions = {}, .local_hosts = {}});
        linux_os::BeastHeldHttp::Settings settings;
        settings.ca_bundle = test_ca().bundle();
        settings.look_up = [this](const std::string& host) -> Result<linux_os::Addresses> {
            const std::lock_guard lock(mutex);
            looked_up.push_back(host);
            if (host == "proxy.test" || (host == "blob.test" && origin_is_known)) {
                return linux_os::Addresses{"127.0.0.1"};
            }
            return fail(Code::http_failed, "cannot resolve '" + host + "'");
        };
        settings.proxies = rules;
        settings.warn = [this](const std::string& why) { warnings.push_back(why); };
        http = std::make_unique<linux_os::BeastHeldHttp>(clock, std::move(settings));
    }

    Prepared prepare(const std::vector<int>& ports, bool tls, milliseconds limit = seconds(10)) {
        std::vector<HttpRequest> requests;
        for (const int port : ports) {
            requests.push_back(HeldHttpFixture::put(port, tls));
        }
        return http->prepare(std::move(requests), Deadline(clock.now() + limit));
    }

    Result<HttpReply> exchange(int port, bool tls, milliseconds limit = seconds(10)) {
        const Prepared prepared = prepare({port}, tls, limit);
        if (!prepared.at(0)) {
            return prepared[0].error();
        }
        return http->send({prepared[0]->get()}, Deadline(clock.now() + seconds(10))).at(0).reply;
    }

    linux_os::SystemClock clock;
    bool origin_is_known = true;
    std::mutex mutex;
    std::vector<std::string> looked_up;
    std::vector<std::string> warnings;
    std::shared_ptr<ProxyRules> rules;
    std::unique_ptr<linux_os::BeastHeldHttp> http;
};

struct TunnelTest : ::testing::TestWithParam<bool> {
    bool tls() const { return GetParam(); }
    std::shared_ptr<SSL_CTX> server_tls() const {
        return tls() ? test_ca().server_context("DNS:blob.test") : nullptr;
    }
    ScriptedServer server{created(), server_tls()};
    std::string connect_line() const {
        return "CONNECT blob.test:" + std::to_string(server.port()) + " HTTP/1.1\r\n";
    }
};

using Tunnel = TunnelTest;
INSTANTIATE_TEST_SUITE_P(Both, Tunnel, ::testing::Bool(), plain_or_tls);

TEST_P(Tunnel, CarriesTheRequestWithoutResolvingTheServersName) {
    TunnelProxy proxy;
    Proxied proxied(proxy.port());
    proxied.origin_is_known = false;

    const Result<HttpReply> reply = proxied.exchange(server.port(), tls());

    ASSERT_TRUE(reply) << reply.error().describe();
    EXPECT_EQ(reply->status, 201);
    EXPECT_EQ(proxied.looked_up, std::vector<std::string>{"proxy.test"});
    ASSERT_EQ(proxy.requests().size(), 1u);
    EXPECT_EQ(proxy.requests()[0],
              connect_line() + "Host: blob.test:" + std::to_string(server.port()) + "\r\n\r\n");
    ASSERT_EQ(server.requests().size(), 1u);
    EXPECT_EQ(server.requests()[0].line(),
              "PUT /vhds/disk0.vhd?sv=1&sig=a%2Bb%3D&comp=snapshot HTTP/1.1");
    EXPECT_EQ(server.requests()[0].head.find("Proxy-"), std::string::npos);
    EXPECT_THAT(proxied.warnings, IsEmpty());
}

TEST_P(Tunnel, ShowsUserNameAndPasswordToTheProxyAlone) {
    TunnelProxy proxy(
        TunnelProxy::Behaviour{.authorization = std::string("Basic ") + kEncodedLogin});
    Proxied proxied(proxy.port(), kLogin);

    const Result<HttpReply> reply = proxied.exchange(server.port(), tls());

    ASSERT_TRUE(reply) << reply.error().describe();
    EXPECT_THAT(proxied.warnings, IsEmpty());
    EXPECT_EQ(proxy.requests().size(), 1u);
    EXPECT_EQ(server.requests().at(0).head.find(kEncodedLogin), std::string::npos);
}

TEST_P(Tunnel, IsMadeBeforeTheHoldAndSendNeedsNoOther) {
    TunnelProxy proxy;
    Proxied proxied(proxy.port());
    const Prepared prepared = proxied.prepare({server.port()}, tls());
    ASSERT_TRUE(prepared.at(0)) << prepared[0].error().describe();
    EXPECT_EQ(proxy.requests().size(), 1u);
    proxy.stop_listening();

    const auto exchanges = proxied.http->send({prepared[0]->get()}, Deadline::max());

    EXPECT_TRUE(exchanges.at(0).reply);
    EXPECT_EQ(proxy.requests().size(), 1u);
}

TEST_P(Tunnel, ThatWasClosedIsMadeAgainByRefreshAllAtOnce) {
    constexpr milliseconds kDelay{400};
    TunnelProxy proxy(TunnelProxy::Behaviour{.delay = kDelay});
    Proxied proxied(proxy.port());
    const Prepared prepared = proxied.prepare({server.port(), server.port(), server.port()}, tls());
    std::vector<PreparedRequest*> requests;
    for (const auto& one : prepared) {
        ASSERT_TRUE(one) << one.error().describe();
        requests.push_back(one->get());
    }
    proxy.close_tunnels();

    const Instant before = proxied.clock.now();
    const auto refreshed = proxied.http->refresh(requests, Deadline(before + seconds(10)));
    const Instant took = proxied.clock.now() - before;
    const auto exchanges = proxied.http->send(requests, Deadline::max());

    EXPECT_GE(took, kDelay);
    EXPECT_LT(took, 2 * kDelay) << "one after the other";
    for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_TRUE(refreshed.at(i));
        EXPECT_TRUE(exchanges.at(i).reply);
    }
    EXPECT_EQ(proxy.requests().size(), 6u);
    EXPECT_EQ(server.requests().size(), 3u);
    EXPECT_THAT(proxied.warnings, IsEmpty());
}

TEST_P(Tunnel, ThatIsClosedInsideTheHoldIsReplacedWithoutALookUpOrAWord) {
    TunnelProxy proxy;
    Proxied proxied(proxy.port());
    const Prepared prepared = proxied.prepare({server.port()}, tls());
    ASSERT_TRUE(prepared.at(0));
    proxy.close_tunnels();

    const auto exchanges = proxied.http->send({prepared[0]->get()}, Deadline::max());

    EXPECT_TRUE(exchanges.at(0).reply) << exchanges[0].reply.error().describe();
    EXPECT_EQ(proxied.looked_up.size(), 1u);
    EXPECT_EQ(server.requests().size(), 1u);
    EXPECT_THAT(proxied.warnings, IsEmpty());
}

/// What a proxy does that is of no use, and the words for it.
struct Useless {
    const char* name;
    TunnelProxy::Behaviour behaviour;
    const char* login;
    const char* said;

    friend void PrintTo(const Useless& useless, std::ostream* out) { *out << useless.name; }
};

struct UselessProxy : ::testing::TestWithParam<std::tuple<bool, Useless>> {};

TEST_P(UselessProxy, IsLeftForTheDirectWayWithAWarning) {
    const auto& [tls, useless] = GetParam();
    ScriptedServer server(created(), tls ? test_ca().server_context("DNS:blob.test") : nullptr);
    TunnelProxy proxy(useless.behaviour);
    Proxied proxied(proxy.port(), useless.login);

    const Result<HttpReply> reply = proxied.exchange(server.port(), tls, milliseconds(2000));
    const Result<HttpReply> again = proxied.exchange(server.port(), tls);

    ASSERT_TRUE(reply) << reply.error().describe();
    ASSERT_TRUE(again) << again.error().describe();
    EXPECT_EQ(server.requests().size(), 2u);
    EXPECT_EQ(proxy.requests().size(), 1u) << "it was not asked again";
    const std::string name = "proxy 'proxy.test:" + std::to_string(proxy.port()) + "' of 'a file'";
    EXPECT_THAT(proxied.warnings,
                ElementsAre(AllOf(HasSubstr(name), HasSubstr(useless.said),
                                  Not(HasSubstr("PLANTED")), Not(HasSubstr(kEncodedLogin)))));
}

INSTANTIATE_TEST_SUITE_P(
    All, UselessProxy,
    ::testing::Combine(
        ::testing::Bool(),
        ::testing::Values(
            Useless{"Forbids", {.answer = "HTTP/1.1 403 No\r\n\r\nwhy not"}, "", "403 Forbidden"},
            Useless{"WantsLogin",
                    {.authorization = "Basic x"},
                    "",
                    "407 Proxy Authentication Required, it wants a user name and a password"},
            Useless{"RefusesLoginAsAServerWould",
                    {.answer = "HTTP/1.1 401 No\r\n\r\n"},
                    kLogin,
                    "401 Unauthorized, it does not take the user name and password"},
            Useless{"RefusesLogin",
                    {.authorization = "Basic x"},
                    kLogin,
                    "it does not take the user name and password"},
            Useless{"Hangs", {.delay = seconds(60)}, kLogin, "not ready in time"},
            Useless{"Closes", {.answer = ""}, "", "closed the connection before its reply"},
            Useless{"Babbles", {.answer = "SSH-2.0-x\r\n\r\n"}, "", "not HTTP"},
            Useless{"SaysTooMuch",
                    {.answer = "HTTP/1.1 200 OK\r\n\r\nextra"},
                    "",
                    "more than its answer"},
            Useless{"HasHugeHeaders",
                    {.answer = "HTTP/1.1 200 OK\r\nA: " + std::string(60'000, 'x') + "\r\n\r\n"},
                    "",
                    "headers larger than 32 KiB"})),
    [](const auto& given) {
        return std::string(std::get<1>(given.param).name) +
               (std::get<0>(given.param) ? "Tls" : "Plain");
    });

TEST_P(Tunnel, WhoseProxyIsGoneIsLeftForTheDirectWay) {
    TunnelProxy proxy;
    Proxied proxied(proxy.port());
    proxy.stop_listening();

    const Result<HttpReply> reply = proxied.exchange(server.port(), tls());

    ASSERT_TRUE(reply) << reply.error().describe();
    EXPECT_THAT(proxied.warnings, ElementsAre(AllOf(StartsWith("cannot connect to proxy"),
                                                    HasSubstr("Connection refused"))));
}

TEST_P(Tunnel, SaysAllThatWasTriedWhenNeitherWayIsOpen) {
    TunnelProxy proxy(TunnelProxy::Behaviour{.answer = "HTTP/1.1 403 No\r\n\r\n"});
    Proxied proxied(proxy.port(), kLogin);
    const int port = server.port();
    server.stop_listening();

    const Result<HttpReply> reply = proxied.exchange(port, tls());

    ASSERT_FALSE(reply);
    const std::string where = "'blob.test:" + std::to_string(port) + "'";
    EXPECT_THAT(reply.error().sentence(),
                AllOf(HasSubstr("proxy 'proxy.test:" + std::to_string(proxy.port()) +
                                "' of 'a file' makes no tunnel to " + where + ": 403 Forbidden"),
                      HasSubstr("and directly: cannot connect to " + where),
                      HasSubstr("Connection refused"), Not(HasSubstr("PLANTED"))));
    EXPECT_THAT(proxied.warnings, IsEmpty()) << "nothing was gained";
    // The next try begins with the proxy again.
    (void)proxied.exchange(port, tls());
    EXPECT_EQ(proxy.requests().size(), 2u);
}

TEST(TunnelTls, IsVerifiedWithTheServersNameThroughTheProxyToo) {
    const TestCa stranger;
    for (const auto& context : {stranger.server_context("DNS:blob.test"),
                                test_ca().server_context("DNS:proxy.test,DNS:other.test")}) {
        ScriptedServer server(created(), context);
        TunnelProxy proxy;
        Proxied proxied(proxy.port());

        const Result<HttpReply> reply = proxied.exchange(server.port(), true);

        ASSERT_FALSE(reply);
        EXPECT_THAT(reply.error().describe(),
                    AllOf(HasSubstr("through proxy 'proxy.test:"), HasSubstr("; and directly"),
                          HasSubstr("its certificate is not trusted")));
        EXPECT_TRUE(server.requests().empty());
        EXPECT_EQ(proxy.requests().size(), 1u);
    }
}

TEST_P(Tunnel, IsNotUsedForWhatIsExcepted) {
    TunnelProxy proxy;
    Proxied proxied(proxy.port());
    (void)proxied.rules->go_direct(HeldHttpFixture::put(server.port(), tls()).target);

    ASSERT_TRUE(proxied.exchange(server.port(), tls()));

    EXPECT_TRUE(proxy.requests().empty());
}

TEST_P(Tunnel, CarriesTheReplyToAHeadRequestWhateverLengthItAnnounces) {
    ScriptedServer big(sends("HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n"
                             "x-ms-blob-type: PageBlob\r\n\r\n"),
                       server_tls());
    TunnelProxy proxy;
    Proxied proxied(proxy.port());
    std::vector<HttpRequest> requests;
    requests.push_back(HeldHttpFixture::put(big.port(), tls()));
    requests[0].method = "HEAD";
    const Prepared prepared =
        proxied.http->prepare(std::move(requests), Deadline(proxied.clock.now() + seconds(10)));
    ASSERT_TRUE(prepared.at(0)) << prepared[0].error().describe();

    const auto exchanges =
        proxied.http->send({prepared[0]->get()}, Deadline(proxied.clock.now() + seconds(10)));

    ASSERT_TRUE(exchanges.at(0).reply) << exchanges[0].reply.error().describe();
    EXPECT_EQ(exchanges[0].reply->header("Content-Length"), "9000000");
    EXPECT_EQ(exchanges[0].reply->header("x-ms-blob-type"), "PageBlob");
}

}  // namespace
}  // namespace stillpoint::testing
