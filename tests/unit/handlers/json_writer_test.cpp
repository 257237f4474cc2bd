// SPDX-License-Identifier: Apache-2.0
#include "handlers/json_writer.h"

#include <gtest/gtest.h>

namespace stillpoint {
namespace {

TEST(JsonQuoted, EscapesAsPythonDoes) {
    EXPECT_EQ(json_quoted("a\"b\\c/d"), R"("a\"b\\c/d")");
    EXPECT_EQ(json_quoted("\b\f\n\r\t\x01\x7f"), R"("\b\f\n\r\t\u0001\u007f")");
    EXPECT_EQ(json_quoted("ä€"), R"("\u00e4\u20ac")");
    EXPECT_EQ(json_quoted("\xF0\x9F\x98\x80"), R"("\ud83d\ude00")");
}

TEST(JsonQuoted, ReplacesWhatIsNoUtf8) {
    EXPECT_EQ(json_quoted("a\xFFz"), R"("a\ufffdz")");
    EXPECT_EQ(json_quoted("\xC3"), R"("\ufffd")");
    EXPECT_EQ(json_quoted("\xC0\x80"), R"("\ufffd\ufffd")");            // overlong
    EXPECT_EQ(json_quoted("\xED\xA0\x80"), R"("\ufffd\ufffd\ufffd")");  // a surrogate
}

TEST(JsonWriter, KeepsTheOrderAndSeparatesAsPythonDoes) {
    JsonWriter json;
    json.begin_array().begin_object().member("b", 1).member("a", true).key("n").null();
    json.key("empty").begin_object().end_object().key("list").begin_array();
    json.value("x").value(std::int64_t{-2}).begin_array().end_array().end_array();
    json.key("raw").raw("\"\\/\"").end_object().end_array();
    EXPECT_EQ(
        json.text(),
        R"([{"b": 1, "a": true, "n": null, "empty": {}, "list": ["x", -2, []], "raw": "\/"}])");
}

}  // namespace
}  // namespace stillpoint
