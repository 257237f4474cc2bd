// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "handlers/settings.h"
#include "tests/fakes/fake_settings_protector.h"
#include "tests/unit/handlers/settings_builder.h"

// Any settings file, opened with a protector that always answers the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace stillpoint;
    static const testing::FakeSettingsProtector protector(testing::protected_plain(
        R"(["https://acct.blob.example/vhds/os.vhd?sig=x", "http://[::1]:10000/a/b"])"));
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto settings = parse_settings(text, protector);
    (void)echo_settings(text);
    const auto left = without_protected_settings(text);
    if (left && left->find("\"protectedSettings\": \"") != std::string::npos &&
        !without_protected_settings(*left)) {
        std::abort();  // what we wrote we must be able to read
    }
    if (!settings && settings.error().message().empty()) {
        std::abort();
    }
    return 0;
}
