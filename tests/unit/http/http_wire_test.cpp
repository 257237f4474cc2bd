// SPDX-License-Identifier: Apache-2.0
#include "platform/http_wire.h"

#include <gtest/gtest.h>

namespace stillpoint::testing {
namespace {

HttpRequest get(const std::string& host, int port, bool tls) {
    HttpRequest request;
    request.method = "GET";
    request.target = {tls, host, port, "/a", Secret()};
    return request;
}

std::string bytes(const HttpRequest& request) {
    const Result<Secret> wire = wire_bytes(request);
    return wire ? std::string(wire->reveal()) : wire.error().describe();
}

TEST(HttpWire, LeavesTheSchemesOwnPortAndAnEmptyQueryOut) {
    EXPECT_EQ(bytes(get("h.test", 443, true)),
              "GET /a HTTP/1.1\r\nHost: h.test\r\nAccept-Encoding: identity\r\n\r\n");
    EXPECT_NE(bytes(get("h.test", 80, true)).find("Host: h.test:80\r\n"), std::string::npos);
    EXPECT_NE(bytes(get("h.test", 80, false)).find("Host: h.test\r\n"), std::string::npos);
    EXPECT_NE(bytes(get("::1", 80, false)).find("Host: [::1]\r\n"), std::string::npos);
}

TEST(HttpWire, AnnouncesTheLengthOfAPutEvenWhenItIsEmpty) {
    HttpRequest request = get("h.test", 443, true);
    request.method = "PUT";
    EXPECT_NE(bytes(request).find("\r\nContent-Length: 0\r\n"), std::string::npos);
    request.body = "abc";
    EXPECT_NE(bytes(request).find("\r\nContent-Length: 3\r\n\r\nabc"), std::string::npos);
}

TEST(HttpWire, RefusesWhateverWouldBreakOutOfItsPlace) {
    const std::string breaks[] = {"a b", "a\r\nb", std::string("a\0b", 3), "a\tb", "\xc3\xbc"};
    for (const std::string& text : breaks) {
        HttpRequest path = get("h.test", 443, true);
        path.target.path = "/" + text;
        HttpRequest query = get("h.test", 443, true);
        query.target.query = Secret(std::string(text));
        HttpRequest host = get(text, 443, true);
        HttpRequest method = get("h.test", 443, true);
        method.method = text;
        HttpRequest name = get("h.test", 443, true);
        name.headers = {{text, "value"}};
        for (const HttpRequest* request : {&path, &query, &host, &method, &name}) {
            const Result<Secret> wire = wire_bytes(*request);
            ASSERT_FALSE(wire) << wire->reveal();
            EXPECT_EQ(wire.error().code(), Code::settings_malformed);
        }
    }
    EXPECT_FALSE(is_header_value("a\r\nb"));
    EXPECT_FALSE(is_header_value("a\nb"));
    EXPECT_FALSE(is_header_value(std::string_view("a\0b", 3)));
    EXPECT_TRUE(is_header_value("a b \xc3\xbc"));
    EXPECT_FALSE(is_header_name(""));
}

TEST(HttpWire, NeverNamesTheQueryInAnError) {
    HttpRequest request = get("h.test", 443, true);
    request.target.query = Secret(std::string("sig=SECRET\n"));

    EXPECT_EQ(bytes(request).find("SECRET"), std::string::npos);
}

}  // namespace
}  // namespace stillpoint::testing
