// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "snapshot/host_messages.h"
#include "snapshot/host_reply.h"

/// The body of the host's replies. The first byte chooses the status.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace stillpoint;
    constexpr int kStatuses[] = {200, 201, 404, 500};
    const int status = size == 0 ? 200 : kStatuses[data[0] % 4];
    const std::string body(reinterpret_cast<const char*>(data) + (size == 0 ? 0 : 1),
                           size == 0 ? 0 : size - 1);
    const HttpReply reply{status, {}, body};

    const PreSnapshot before = read_presnapshot(reply);
    if (!before.error && (!before.ready() || body.empty())) {
        std::abort();  // nothing but a whole good reply is without an error
    }
    const SnapshotOutcome outcome = read_dosnapshot(reply, {0});
    if (!outcome.error && (status > 201 || outcome.disks.empty())) {
        std::abort();
    }
    for (const DiskOutcome& disk : outcome.disks) {
        if (disk.successful == disk.error.has_value()) {
            std::abort();
        }
    }
    if (before.encryption) {
        // What came from the host goes back to it: the round trip must hold.
        BackupRequest request;
        request.disk_encryption = true;
        if (!dosnapshot_body(request, before.encryption)) {
            std::abort();
        }
    }
    (void)parse_creation_time(body);
    return 0;
}
