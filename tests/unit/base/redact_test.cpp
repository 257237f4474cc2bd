// SPDX-License-Identifier: Apache-2.0
#include "base/redact.h"

#include <gtest/gtest.h>

namespace stillpoint {
namespace {

struct Row {
    const char* in;
    const char* out;
};

TEST(Redact, HidesSecretsAndLeavesTheRest) {
    const Row rows[] = {
        {"nothing here", "nothing here"},
        {"", ""},
        {"PUT https://a.blob.core.windows.net/c/b?sv=1&sig=X%3D done",
         "PUT https://a.blob.core.windows.net/c/b?*** done"},
        {"HTTP://A/B?SIG=1", "HTTP://A/B?***"},
        {"\"uri\":\"http://127.0.0.1:10000/x?sig=1\"", "\"uri\":\"http://127.0.0.1:10000/x?***\""},
        {"two http://a/?b=1 http://c/?d=2", "two http://a/?*** http://c/?***"},
        {"is it frozen? yes", "is it frozen? yes"},
        {"sv=2018&sig=abc%2Bdef&se=2030", "sv=2018&sig=***&se=2030"},
        {"sig%3Dabc", "sig%3D***"},
        {"design=good", "design=good"},
        {"http://user:p@ss@proxy:3128/a?b", "http://***@proxy:3128/a?***"},
        {"HTTPS://u@h, https://h/a@b", "HTTPS://***@h, https://h/a@b"},
        {"write to a@b", "write to a@b"},
        {"token eyJhbGciOi.abc-def end", "token *** end"},
    };
    for (const Row& row : rows) {
        EXPECT_EQ(redact(row.in), row.out);
    }
}

}  // namespace
}  // namespace stillpoint
