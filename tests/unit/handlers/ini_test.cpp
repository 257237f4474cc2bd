// SPDX-License-Identifier: Apache-2.0
#include "handlers/config/ini.h"

#include <ostream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace stillpoint {
namespace {

/// "section.key=value@line", and for a fault "!line".
std::string render(const Ini& ini) {
    std::string text;
    for (const IniEntry& entry : ini.entries) {
        text += entry.section + "." + entry.key + "=" + entry.value + "@" +
                std::to_string(entry.line) + " ";
    }
    for (const IniFault& fault : ini.faults) {
        text += "!" + std::to_string(fault.line) + " ";
    }
    return text;
}

struct Row {
    const char* name;
    std::string text;
    const char* expected;

    friend void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }
};

class IniText : public ::testing::TestWithParam<Row> {};

TEST_P(IniText, IsReadAsConfigParserReadsIt) {
    EXPECT_EQ(render(parse_ini(GetParam().text)), GetParam().expected);
}

const Row kRows[] = {
    {"empty", "", ""},
    {"plain", "[A]\nkey = value\n", "a.key=value@2 "},
    {"colon", "[a]\nkey: a=b\n", "a.key=a=b@2 "},
    {"no_newline_at_the_end", "[a]\nk=v", "a.k=v@2 "},
    {"windows_lines", "[a]\r\nK = v\r\n", "a.k=v@2 "},
    {"byte_order_mark", "\xEF\xBB\xBF[a]\nk=v\n", "a.k=v@2 "},
    {"comments", "# x\n[a]\n; y\nk = v ; not a comment\n  # z\n", "a.k=v ; not a comment@4 "},
    {"empty_value", "[a]\nk =\n", "a.k=@2 "},
    {"inner_blanks_stay", "[a]\nk = a,  b\n", "a.k=a,  b@2 "},
    {"continued", "[a]\nk = a,\n   b\nl = c\n", "a.k=a,\nb@2 a.l=c@4 "},
    {"continued_over_a_comment", "[a]\nk = a\n# c\n b\n", "a.k=a\nb@2 "},
    {"all_indented_alike", "[a]\n  k = v\n  l = w\n", "a.k=v@2 a.l=w@3 "},
    {"indented_behind_a_section", "[a]\nk=v\n[b]\n  l=w\n", "a.k=v@2 b.l=w@4 "},
    {"twice", "[a]\nk=1\nk=2\n", "a.k=1@2 a.k=2@3 "},
    {"section_with_a_tail", "[a] tail\nk=v\n", "a.k=v@2 "},
    {"no_section", "k=v\n[a]\nl=w\n", "a.l=w@3 !1 "},
    {"broken_section_hides_its_options", "[a]\n[b\nk=v\n[c]\nl=w\n", "c.l=w@5 !2 !3 "},
    {"nameless_section", "[]\n", "!1 "},
    {"no_equals_sign", "[a]\nnonsense\n", "!2 "},
    {"no_key", "[a]\n= v\n", "!2 "},
};

INSTANTIATE_TEST_SUITE_P(Files, IniText, ::testing::ValuesIn(kRows),
                         [](const auto& one) { return std::string(one.param.name); });

TEST(ParseIni, KeepsZeroBytes) {
    const Ini ini = parse_ini(std::string("[a]\nk=\0v\n", 9));

    ASSERT_EQ(ini.entries.size(), 1U);
    EXPECT_EQ(ini.entries[0].value, std::string("\0v", 2));
}

TEST(ParseIni, DoesNotNameEveryLineOfAFileThatIsNoneOfOurs) {
    std::string text;
    for (int line = 0; line < 1000; ++line) {
        text += "nonsense\n";
    }

    EXPECT_EQ(parse_ini(text).faults.size(), 20U);
}

TEST(SplitAtCommas, KeepsWhatStandsBetweenThem) {
    EXPECT_EQ(split_at_commas(""), (std::vector<std::string>{}));
    EXPECT_EQ(split_at_commas("a"), (std::vector<std::string>{"a"}));
    EXPECT_EQ(split_at_commas("a, b,,c"), (std::vector<std::string>{"a", " b", "", "c"}));
}

}  // namespace
}  // namespace stillpoint
