// SPDX-License-Identifier: Apache-2.0
#include "handlers/sas_uri.h"

#include <gtest/gtest.h>

#include "base/format.h"

namespace stillpoint {
namespace {

std::string parts(std::string_view uri) {
    const auto target = parse_sas_uri(uri, "uri");
    if (!target) {
        return target.error().message();
    }
    return fmt::format("{} {} {} {} {}", target->tls ? "tls" : "plain", target->host, target->port,
                       target->path, target->query.reveal());
}

TEST(ParseSasUri, TakesThePartsAsTheyStand) {
    EXPECT_EQ(parts("https://a.blob.example/c/b?sv=1&sig=x%2By%3D"),
              "tls a.blob.example 443 /c/b sv=1&sig=x%2By%3D");
    EXPECT_EQ(parts("HTTP://127.0.0.1:10000/dev/c/b%20d?a?b"),
              "plain 127.0.0.1 10000 /dev/c/b%20d a?b");
    EXPECT_EQ(parts("https://[fe80::1]/x"), "tls fe80::1 443 /x ");
    EXPECT_EQ(parts("https://[::1]:8443/x#part"), "tls ::1 8443 /x ");
    EXPECT_EQ(parts("https://host?q"), "tls host 443 / q");
}

TEST(ParseSasUri, LeavesBlanksAroundItAndLineBreaksWithinItOut) {
    EXPECT_EQ(parts(" \t\nhttps://a.exa\r\nmple/C/b\t?sig=x\n \r\n"),
              "tls a.example 443 /C/b sig=x");
    EXPECT_EQ(parts(" \n"), "uri: expected an address that begins with https://");
}

TEST(ParseSasUri, WritesTheHostInSmallLetters) {
    EXPECT_EQ(parts("https://Acct.BLOB.example/Vhds/A?Sig=X"),
              "tls acct.blob.example 443 /Vhds/A Sig=X");
}

TEST(ParseSasUri, KeepsInMindWhetherThePortStoodThere) {
    EXPECT_TRUE(parse_sas_uri("https://a.example:443/c?sig=x", "uri")->port_given);
    EXPECT_FALSE(parse_sas_uri("https://a.example/c?sig=x", "uri")->port_given);
}

TEST(ParseSasUri, MakesATargetThatCanBeShown) {
    EXPECT_EQ(parse_sas_uri("https://a.example/c/b?sig=x", "uri")->shown(),
              "https://a.example:443/c/b");
    EXPECT_EQ(parse_sas_uri("http://[::1]:10000/c?sig=x", "uri")->shown(), "http://[::1]:10000/c");
}

TEST(ParseSasUri, RefusesTheRestWithoutShowingIt) {
    for (const char* uri : {"https://", "https:///x", "https://user:sig@host/x", "https://host:0/x",
                            "https://host:65536/x", "https://host:/x", "https://[::1/x",
                            "https://[x]/y", "https://[::1]8/y"}) {
        EXPECT_EQ(parts(uri), "uri: the address names no usable host and port") << uri;
    }
    EXPECT_EQ(parts("ftp://sig"), "uri: expected an address that begins with https://");
    EXPECT_EQ(parts(""), "uri: expected an address that begins with https://");
    EXPECT_EQ(parts("https://h/a b"), "uri: the address holds a character that none may hold");
    EXPECT_EQ(parts("https://h/a?s=\r\nX: y"),
              "uri: the address holds a character that none may hold");
    EXPECT_EQ(parts("https://h/\xC3\xA4"), "uri: the address holds a character that none may hold");
}

}  // namespace
}  // namespace stillpoint
