// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "platform/http_wire.h"
#include "snapshot/blob_messages.h"

/// The storage service's reply (status, x-ms-snapshot, body), and what a host may put into the
/// metadata that goes out as headers: whatever it is, a request stays one request.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace stillpoint;
    const std::string text(reinterpret_cast<const char*>(data), size);
    const std::size_t half = size / 2;
    HttpTarget blob{true, "a.test", 443, "/c/d", Secret(std::string("sig=1"))};

    const int status = size > 0 && data[0] % 2 == 0 ? 201 : 409;
    const HttpReply reply{status, {{"x-ms-snapshot", text.substr(0, half)}}, text.substr(half)};
    const DiskOutcome disk = read_snapshot_reply(blob, reply);
    if (disk.successful == disk.error.has_value() || (disk.successful && status != 201)) {
        std::abort();
    }

    Result<HttpRequest> request =
        snapshot_request(blob, {{text.substr(0, half), text.substr(half)}});
    if (!request) {
        return 0;
    }
    const Result<Secret> wire = wire_bytes(*request);
    if (!wire) {
        std::abort();  // what was accepted must be writable
    }
    const std::string_view bytes = wire->reveal();
    std::size_t lines = 0;
    for (const char c : bytes) {
        lines += c == '\n' ? 1 : 0;
    }
    if (lines != 6 || bytes.find("\r\n\r\n") != bytes.size() - 4) {
        std::abort();
    }
    return 0;
}
