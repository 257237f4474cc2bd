// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "handlers/settings.h"
#include "tests/fakes/fake_settings_protector.h"
#include "tests/unit/handlers/settings_builder.h"

// The JSON within objectStr: the first half of the input is the public one, the second half, after
// a zero byte, the plain text of the protected settings.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace stillpoint;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const std::size_t zero = text.find('\0');
    const std::string_view sealed = zero == std::string_view::npos ? "{}" : text.substr(zero + 1);
    const std::string file =
        R"({"runtimeSettings":[{"handlerSettings":{"protectedSettings":"AA==",)"
        R"("protectedSettingsCertThumbprint":"A","publicSettings":{"commandToExecute":"snapshot",)"
        R"("objectStr":")" +
        testing::encode_base64(text.substr(0, zero)) + R"("}}}]})";
    const auto settings = parse_settings(file, testing::FakeSettingsProtector(std::string(sealed)));
    if (settings) {
        // What goes into a request line must not be able to end it. (Metadata: blob_reply_fuzz.)
        for (const HttpTarget& blob : settings->request.blobs) {
            if (blob.path.find_first_of(" \r\n") != std::string::npos || blob.host.empty()) {
                std::abort();
            }
        }
    }
    return 0;
}
