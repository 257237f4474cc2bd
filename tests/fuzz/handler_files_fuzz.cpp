// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/base64.h"
#include "handlers/handler_environment.h"
#include "handlers/json_writer.h"
#include "handlers/sas_uri.h"
#include "handlers/sequence.h"
#include "handlers/status_reader.h"

// The small files and texts that others leave for us. The first byte picks the parser.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace stillpoint;
    if (size == 0) {
        return 0;
    }
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    switch (data[0]) {
        case 'e': {
            const auto environment = parse_handler_environment(text);
            if (environment && environment->status_folder.empty()) {
                std::abort();
            }
            break;
        }
        case 's':
            (void)read_status(text);
            break;
        case 'm':
            (void)parse_machine_identity(text);
            break;
        case 'n':
            if (parse_sequence(text).value_or(0) < 0) {
                std::abort();
            }
            break;
        case 'u': {
            const auto target = parse_sas_uri(text, "uri");
            if (target && (target->host.empty() || target->port < 1 || target->port > 65'535 ||
                           target->path.front() != '/')) {
                std::abort();
            }
            break;
        }
        case 'b':
            (void)decode_base64(text);
            break;
        default:
            // A status document must stay JSON whatever a message holds.
            for (const char c : json_quoted(text)) {
                if (c < ' ' || c > '~') {
                    std::abort();
                }
            }
            break;
    }
    return 0;
}
