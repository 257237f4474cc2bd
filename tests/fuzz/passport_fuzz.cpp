// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <string_view>

#include "encryption/survey_json.h"
#include "snapshot/passport.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    using namespace stillpoint;
    // What is read and written says the same when it is read again.
    if (const auto passport = parse_passport(text)) {
        const std::string written = render_passport(*passport);
        const auto again = parse_passport(written);
        if (!again || render_passport(*again) != written) {
            std::abort();
        }
    }
    if (const auto survey = parse_survey(text, Code::encryption_survey_failed)) {
        const auto again = parse_survey(render_survey(*survey), Code::encryption_survey_failed);
        if (!again || *again != *survey) {
            std::abort();
        }
    }
    return 0;
}
