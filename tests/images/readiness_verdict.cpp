// SPDX-License-Identifier: Apache-2.0
// What a backup would warn of if an image were an encrypted data disk that was sound at the last
// point:
//   readiness_verdict IMAGE         one line for each warning: its id and its sentence
// Ends with 0 when it had an answer, whatever that is, and with 2 when the image could not be read.
#include <optional>

#include "base/format.h"
#include "encryption/readiness.h"
#include "platform/linux/crypt/linux_encryption_headers.h"

namespace {

using namespace stillpoint;

EncryptionSurvey survey_with(const EncryptionHeader& header) {
    EncryptionSurvey survey;
    survey.volumes.push_back({.device = "sdc",
                              .device_path = "/dev/sdc",
                              .disks = {"sdc"},
                              .luns = {0},
                              .header = header});
    return survey;
}

/// The header as it might have been: with all well, and other bytes.
EncryptionHeader before(EncryptionHeader header) {
    header.state = HeaderState::sound;
    header.problem.clear();
    header.reencrypting = false;
    header.digests = {std::string(64, '0'), std::string(64, '0')};
    return header;
}

}  // namespace

int main(int count, char** arguments) {
    if (count != 2) {
        return 2;
    }
    const Result<std::optional<EncryptionHeader>> header =
        linux_os::LinuxEncryptionHeaders().read({.path = arguments[1]});
    if (!header) {
        fmt::print("error {}\n", header.error().describe());
        return 2;
    }
    if (!*header) {
        fmt::print("none\n");
        return 0;
    }
    const EncryptionSurvey now = survey_with(**header);
    const EncryptionSurvey last = survey_with(before(**header));
    const std::vector<std::string> disks = {"sdc"};
    const Inventory inventory;
    for (const ReadinessWarning& warning :
         readiness({.now = now, .last = &last, .disks = disks, .inventory = inventory})) {
        fmt::print("{} {}\n", warning.id, warning.sentence);
    }
    return 0;
}
