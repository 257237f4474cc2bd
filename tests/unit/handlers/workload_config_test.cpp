// SPDX-License-Identifier: Apache-2.0
#include "handlers/config/workload_config.h"

#include <ostream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace stillpoint {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kLogin[] = "linux_user = mysql\n";

struct Row {
    const char* name;
    std::string lines;
    std::optional<Code> code;
    const char* says = "";

    friend void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }
};

class Workload : public ::testing::TestWithParam<Row> {};

TEST_P(Workload, IsNamedWithItsCode) {
    const auto read = parse_workload_config("[workload]\n" + GetParam().lines);

    EXPECT_EQ(read.config.active(), GetParam().code.has_value());
    ASSERT_EQ(read.config.error.has_value(), GetParam().code.has_value());
    if (GetParam().code) {
        EXPECT_EQ(read.config.error->code(), *GetParam().code);
        EXPECT_THAT(read.config.error->sentence(), HasSubstr(GetParam().says));
        EXPECT_THAT(read.config.error->sentence(), HasSubstr("'/etc/azure/workload.conf'"));
    }
}

const Row kRows[] = {
    {"mysql", std::string("workload_name = mysql\n") + kLogin, Code::workload_not_supported,
     "'mysql'"},
    {"mariadb", std::string("workload_name=mariadb\n") + kLogin, Code::workload_not_supported},
    {"oracle", std::string("WORKLOAD_NAME: oracle\n") + kLogin, Code::workload_not_supported},
    {"postgres", "workload_name = postgres\ncredString = -U backup\n",
     Code::workload_not_supported},
    {"slave", std::string("workload_name = mysql\nrole = slave\nenforceSlaveOnly = 1\n") + kLogin,
     Code::workload_not_supported},
    {"no_login", "workload_name = mysql\n", Code::workload_authorization_missing,
     "neither credString nor linux_user"},
    {"empty_login", "workload_name = mysql\ncredString =\nlinux_user =\n",
     Code::workload_authorization_missing},
    {"wrong_role", std::string("workload_name = mysql\nrole = boss\n") + kLogin,
     Code::workload_role_invalid, "neither master nor slave"},
    {"slaves_only", std::string("workload_name = mysql\nenforceSlaveOnly = 1\n") + kLogin,
     Code::workload_role_invalid, "enforceSlaveOnly"},
    {"broken_line", std::string("workload_name = mysql\nrole master\n") + kLogin,
     Code::workload_config_malformed, "line 3"},
    {"template", "workload_name =\ncommand_path =\n", std::nullopt},
    {"commented", "#workload_name = mysql\n", std::nullopt},
    {"nothing", "", std::nullopt},
    {"another_name", "workload_name = mssql\n", std::nullopt},
    {"another_case", "workload_name = MySQL\n", std::nullopt},
};

INSTANTIATE_TEST_SUITE_P(Files, Workload, ::testing::ValuesIn(kRows),
                         [](const auto& one) { return std::string(one.param.name); });

TEST(ParseWorkloadConfig, SaysNothingAboutAFileThatMeansNoDatabase) {
    for (const char* text : {"", "[workload]\nworkload_name =\ncommand_path = /usr/bin\n"}) {
        const auto read = parse_workload_config(text);
        EXPECT_FALSE(read.config.active());
        EXPECT_THAT(read.warnings, IsEmpty());
    }
}

TEST(ParseWorkloadConfig, TakesTheNameOfItsOwnSectionAlone) {
    EXPECT_FALSE(parse_workload_config("[other]\nworkload_name = mysql\n").config.active());
    EXPECT_FALSE(parse_workload_config("workload_name = mysql\n").config.active());
}

TEST(ParseWorkloadConfig, NamesWhatHasNoEffect) {
    EXPECT_THAT(parse_workload_config("[workload]\nworkload_nam = mysql\n").warnings,
                ElementsAre("'/etc/azure/workload.conf' line 2, [workload] workload_nam: this "
                            "option is not known; it has no effect"));
    EXPECT_THAT(parse_workload_config("[workload]\nworkload_name = db2\n").warnings,
                ElementsAre(HasSubstr("none of oracle, mysql, mariadb, postgres")));
    EXPECT_THAT(
        parse_workload_config("[logbackup]\nbaseLocation = /b\ncrontabLocation = /c\n").warnings,
        ElementsAre(StartsWith("'/etc/azure/workload.conf' line 2, [logbackup]")));
}

TEST(ParseWorkloadConfig, NeverQuotesAPassword) {
    constexpr char kPassword[] = "hunter2";
    for (const char* text :
         {"[workload]\nworkload_name = mysql\ncredString = -u a -phunter2\n",
          "[workload]\nworkload_name = mysql\ncredStrng = -u a -phunter2\n",
          "[workload]\nworkload_name = mysql\ncredString -u a -phunter2\n",
          "[workload]\nworkload_name = hunter2\n",
          "[workload]\nworkload_name = mysql\nrole = hunter2\n"
          "linux_user = x\n",
          "[logbackup]\nhost = hunter2\n", "[workload\ncredString = hunter2\n"}) {
        const auto read = parse_workload_config(text);
        EXPECT_THAT(read.warnings, ::testing::Each(Not(HasSubstr(kPassword)))) << text;
        if (read.config.error) {
            EXPECT_THAT(read.config.error->describe(), Not(HasSubstr(kPassword))) << text;
        }
    }
}

}  // namespace
}  // namespace stillpoint
