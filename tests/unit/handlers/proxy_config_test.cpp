// SPDX-License-Identifier: Apache-2.0
// Every place where a proxy may be named.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "handlers/config/proxy_choice.h"
#include "handlers/config/proxy_url.h"
#include "handlers/config/waagent_config.h"

namespace stillpoint {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// "host port login", or why not.
std::string parts(std::string_view text) {
    const Result<ProxyServer> proxy = parse_proxy(text, "'test'");
    if (!proxy) {
        return "fault: " + proxy.error().message();
    }
    return proxy->host + " " + std::to_string(proxy->port) + " " +
           std::string(proxy->credentials.reveal());
}

TEST(ParseProxy, TakesThePartsAndDecodesTheLogin) {
    EXPECT_EQ(parts("http://p.test:3128"), "p.test 3128 ");
    EXPECT_EQ(parts("HTTP://p.test:3128/"), "p.test 3128 ");
    EXPECT_EQ(parts("http://p.test"), "p.test 80 ");
    EXPECT_EQ(parts("  p.test:8080 "), "p.test 8080 ");
    EXPECT_EQ(parts("p.test"), "p.test 80 ");
    EXPECT_EQ(parts("http://user:pass@p.test:1"), "p.test 1 user:pass");
    EXPECT_EQ(parts("user:pass@10.0.0.1:1"), "10.0.0.1 1 user:pass");
    EXPECT_EQ(parts("http://user@p.test"), "p.test 80 user:");
    EXPECT_EQ(parts("http://@p.test"), "p.test 80 ");
    EXPECT_EQ(parts("http://us%40er:p%3A%2f%25%C3%a4:x@p.test:1"), "p.test 1 us@er:p:/%\xC3\xA4:x");
    EXPECT_EQ(parts("http://user:p@ss@p.test:1"), "p.test 1 user:p@ss");
    EXPECT_EQ(parts("http://[fd00::1]:3128"), "fd00::1 3128 ");
    EXPECT_EQ(parts("http://[fd00::1]"), "fd00::1 80 ");
    EXPECT_EQ(parts("https://p.test:3128"), "p.test 3128 ");
}

TEST(ParseProxy, RefusesTheRestWithoutShowingIt) {
    constexpr const char* kNoProxy = "fault: it is no proxy like http://host:port";
    for (const char* text : {"", "http://", "http://:80", "p.test:", "p.test:0", "p.test:65536",
                             "p.test:80x", "p.test:-1", "p test", "p.test/path", "a,b",
                             "http://[fd00::1", "http://[x]", "http://[fd00::1]80",
                             "http://p.test:80:80", "http://p\xC3\xA4.test", "p.test:1\r\nX: y"}) {
        EXPECT_EQ(parts(text), kNoProxy) << text;
    }
    constexpr const char* kNoLogin =
        "fault: its user name or password is not percent-encoded as in a URL";
    for (const char* text : {"u:%@p.test", "u:%4@p.test", "u:%zz@p.test", "u:%0d%0aX@p.test",
                             "u:a%7f@p.test", "a%3ab:c@p.test", "u:\x01@p.test"}) {
        EXPECT_EQ(parts(text), kNoLogin) << text;
    }
    EXPECT_EQ(parts("socks5://p.test:1080"),
              "fault: only proxies that begin with http:// can be used");
    EXPECT_THAT(parts("https://u:p@p.test"), HasSubstr("cannot be sent to a proxy over TLS"));
    EXPECT_EQ(parts(std::string(300, 'a')), kNoProxy);
}

std::string waagent(std::string_view text, std::vector<std::string>* warnings = nullptr) {
    ReadConfig<WaagentConfig> read = parse_waagent_config(text);
    if (warnings != nullptr) {
        *warnings = std::move(read.warnings);
    } else {
        EXPECT_THAT(read.warnings, IsEmpty());
    }
    return read.config.proxy ? read.config.proxy->shown() : "none";
}

TEST(ParseWaagentConfig, ReadsHostAndPortAsTheVmAgentDoes) {
    EXPECT_EQ(waagent("HttpProxy.Host=p.test\nHttpProxy.Port=3128\n"),
              "proxy 'p.test:3128' of '/etc/waagent.conf'");
    EXPECT_EQ(waagent("Logs.Verbose=n\r\n  HttpProxy.Host = \"p.test\"  # ours\r\n"
                      "HttpProxy.Port=\"3128\"\r\nno sign\n=\n"),
              "proxy 'p.test:3128' of '/etc/waagent.conf'");
    EXPECT_EQ(waagent("HttpProxy.Host=p.test\nHttpProxy.Port=None"),
              "proxy 'p.test:80' of '/etc/waagent.conf'");
    EXPECT_EQ(waagent("HttpProxy.Host=a\nHttpProxy.Host=b\nHttpProxy.Port=1\nHttpProxy.Port=2"),
              "proxy 'b:2' of '/etc/waagent.conf'");
    for (const char* text : {"", "HttpProxy.Host=None\nHttpProxy.Port=None", "HttpProxy.Port=3128",
                             "#HttpProxy.Host=p.test", "HttpProxy.Host=", "httpproxy.host=p.test",
                             "HttpProxy.Host=p.test\nHttpProxy.Host=None"}) {
        EXPECT_EQ(waagent(text), "none") << text;
    }
}

TEST(ParseWaagentConfig, NamesTheLineThatIsBroken) {
    std::vector<std::string> warnings;
    EXPECT_EQ(waagent("HttpProxy.Host=p.test\nHttpProxy.Port=many", &warnings),
              "proxy 'p.test:80' of '/etc/waagent.conf'");
    EXPECT_THAT(warnings, ElementsAre("'/etc/waagent.conf' line 2, HttpProxy.Port: it is no port; "
                                      "80 is used"));
    EXPECT_EQ(waagent("\n\nHttpProxy.Host=u:PLANTED p.test", &warnings), "none");
    EXPECT_THAT(warnings,
                ElementsAre("'/etc/waagent.conf' line 3, HttpProxy.Host: it is no proxy like "
                            "http://host:port; that proxy is not used"));
}

TEST(ParseEnvironmentFile, ReadsWhatALoginWouldGet) {
    const Variables variables = parse_environment_file(
        "# comment\n"
        "PATH=\"/usr/bin:/bin\"\n"
        "  export https_proxy=http://p.test:3128\n"
        "http_proxy='http://p.test:1' # ours\n"
        "no_proxy=\"a.test,b.test\r\n"
        "odd=it's\n"
        "late=x\"\n"
        "empty=\n"
        "gone=1\n"
        "gone=\"\"\n"
        "bad-name=1\n"
        "= nothing\n"
        "words without a sign\n"
        "last=$HOME=x");
    const auto value = [&](const char* name) {
        const auto found = variables.find(name);
        return found == variables.end() ? std::string("none") : found->second.value;
    };
    EXPECT_EQ(value("PATH"), "/usr/bin:/bin");
    EXPECT_EQ(value("https_proxy"), "http://p.test:3128");
    EXPECT_EQ(variables.at("https_proxy").line, 3);
    EXPECT_EQ(value("http_proxy"), "http://p.test:1");
    EXPECT_EQ(value("no_proxy"), "a.test,b.test");
    EXPECT_EQ(value("odd"), "it's");
    EXPECT_EQ(value("late"), "x\"");
    EXPECT_EQ(value("last"), "$HOME=x");
    for (const char* name : {"empty", "gone", "bad-name", "", "words"}) {
        EXPECT_EQ(value(name), "none") << name;
    }
}

/// What the sources together come to.
struct Choice {
    std::string ours;
    std::string waagent;
    std::string file;
    Variables process;

    std::vector<std::string> warnings;
    std::shared_ptr<ProxyRules> rules;

    Choice& choose() {
        ReadConfig<AgentConfig> config = parse_agent_config(ours);
        EXPECT_THAT(config.warnings, IsEmpty());
        auto read = choose_proxies(config.config, {waagent, file, process});
        warnings = read.warnings;
        rules = read.config;
        return *this;
    }
    std::string tls() { return choose().rules->shown(true); }
    std::string plain() { return choose().rules->shown(false); }
    bool direct(const std::string& host, int port = 443) {
        return choose().rules->choose(HttpTarget{true, host, port, "/", Secret()}) == nullptr;
    }
};

constexpr char kAll[] = "HttpProxy.Host=waagent.test\nHttpProxy.Port=2\n";

TEST(ChooseProxies, AsksOurFileThenTheVmAgentsThenTheEnvironment) {
    Choice choice{.ours = "[network]\nproxy = http://own.test:1\n",
                  .waagent = kAll,
                  .file = "https_proxy=http://file.test:4",
                  .process = {{"https_proxy", {"http://process.test:3", 0}}},
                  .warnings = {},
                  .rules = nullptr};
    EXPECT_EQ(choice.tls(), "proxy 'own.test:1' of '/etc/stillpoint/stillpoint.conf'");
    EXPECT_EQ(choice.plain(), "proxy 'own.test:1' of '/etc/stillpoint/stillpoint.conf'");
    choice.ours.clear();
    EXPECT_EQ(choice.tls(), "proxy 'waagent.test:2' of '/etc/waagent.conf'");
    EXPECT_EQ(choice.plain(), "proxy 'waagent.test:2' of '/etc/waagent.conf'");
    choice.waagent = "HttpProxy.Host=None";
    EXPECT_EQ(choice.tls(), "proxy 'process.test:3' of the environment's 'https_proxy'");
    EXPECT_EQ(choice.plain(), "none");
    choice.process.clear();
    EXPECT_EQ(choice.tls(), "proxy 'file.test:4' of '/etc/environment'");
    choice.file.clear();
    EXPECT_EQ(choice.tls(), "none");
}

TEST(ChooseProxies, TakesNoneWhereOurFileSaysSo) {
    Choice choice{.ours = "[network]\nproxy = None",
                  .waagent = kAll,
                  .file = "https_proxy=http://file.test:4",
                  .process = {},
                  .warnings = {},
                  .rules = nullptr};
    EXPECT_EQ(choice.tls(), "none");
    EXPECT_EQ(choice.plain(), "none");
    EXPECT_THAT(choice.warnings, IsEmpty());
}

TEST(ChooseProxies, ReadsTheVariablesInBothSpellings) {
    Choice choice;
    choice.process = {{"HTTPS_PROXY", {"http://upper.test:1", 0}},
                      {"all_proxy", {"http://all.test:2", 0}}};
    EXPECT_EQ(choice.tls(), "proxy 'upper.test:1' of the environment's 'HTTPS_PROXY'");
    EXPECT_EQ(choice.plain(), "proxy 'all.test:2' of the environment's 'all_proxy'");
    choice.process["https_proxy"] = {"http://lower.test:3", 0};
    EXPECT_EQ(choice.tls(), "proxy 'lower.test:3' of the environment's 'https_proxy'");
}

TEST(ChooseProxies, LetsAnEmptyVariableHideTheFilesOne) {
    Choice choice;
    choice.file = "https_proxy=http://file.test:4";
    choice.process = {{"https_proxy", {"", 0}}};
    EXPECT_EQ(choice.tls(), "none");
}

TEST(ChooseProxies, GoesOnAfterABrokenOneWithAWarningThatHidesIt) {
    Choice choice;
    choice.process = {{"https_proxy", {"socks5://u:PLANTED@p.test:1", 0}}};
    choice.file = "\nHTTPS_PROXY=http://u:%PLANTED@p.test\nall_proxy=http://all.test:2";
    EXPECT_EQ(choice.tls(), "proxy 'all.test:2' of '/etc/environment'");
    EXPECT_THAT(choice.warnings,
                ElementsAre("the environment's 'https_proxy': only proxies that begin with "
                            "http:// can be used; that proxy is not used",
                            "'/etc/environment' line 2, HTTPS_PROXY: its user name or password is "
                            "not percent-encoded as in a URL; that proxy is not used"));
}

TEST(ChooseProxies, NeverTakesOneForTheHostServiceOrWhatIsNear) {
    Choice choice;
    choice.ours = "[network]\nproxy = p.test\n[host]\nendpoint = http://host.test:80\n";
    for (const char* host :
         {"168.63.129.16", "host.test", "169.254.169.254", "127.0.0.1", "localhost"}) {
        EXPECT_TRUE(choice.direct(host)) << host;
    }
    EXPECT_FALSE(choice.direct("blob.test"));
}

TEST(ChooseProxies, HonoursExceptionsWhoeverNamesTheProxy) {
    Choice choice;
    choice.waagent = kAll;
    choice.file = "no_proxy=\"a.test, .b.test 10.0.0.0/8\"";
    EXPECT_TRUE(choice.direct("a.test"));
    EXPECT_TRUE(choice.direct("x.b.test"));
    EXPECT_TRUE(choice.direct("10.1.1.1"));
    EXPECT_FALSE(choice.direct("c.test"));
    choice.process = {{"NO_PROXY", {"c.test", 0}}};
    EXPECT_TRUE(choice.direct("a.test")) << "no_proxy before NO_PROXY";
    choice.process["no_proxy"] = {"c.test", 0};
    EXPECT_TRUE(choice.direct("c.test"));
    EXPECT_FALSE(choice.direct("a.test"));
    choice.ours = "[network]\nno_proxy = d.test\n";
    EXPECT_TRUE(choice.direct("d.test"));
    EXPECT_FALSE(choice.direct("c.test")) << "our file's are the only ones then";
}

TEST(NetworkSection, HidesWhatIsBrokenInIt) {
    const auto read = parse_agent_config(
        "[network]\nproxy = http://u:%PLANTED@p.test\nprxoy = http://u:PLANTED@p.test\n"
        "no_proxy = 10.0.0.0/99, a.test\n[other]\nproxy = http://u:PLANTED@p.test\n");

    EXPECT_THAT(
        read.warnings,
        ElementsAre("'/etc/stillpoint/stillpoint.conf' line 2, [network] proxy: its user name or "
                    "password is not percent-encoded as in a URL; a proxy is looked for elsewhere",
                    "'/etc/stillpoint/stillpoint.conf' line 3, [network] prxoy: this option is not "
                    "known; it has no effect",
                    HasSubstr("'10.0.0.0/99' is no network like 10.0.0.0/8; that entry excepts "
                              "nothing"),
                    HasSubstr("proxy = '***@p.test': this option is not known")));
    EXPECT_EQ(read.config.proxy, nullptr);
    EXPECT_FALSE(read.config.proxies_off);
}

}  // namespace
}  // namespace stillpoint
