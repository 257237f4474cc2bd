// SPDX-License-Identifier: Apache-2.0
#include "agent/machine_survey.h"

#include "agent/configuration.h"
#include "encryption/listed_volumes.h"
#include "encryption/survey_encryption.h"
#include "encryption/survey_json.h"
#include "platform/linux/captured_child.h"
#include "platform/linux/child_process.h"
#include "platform/linux/crypt/linux_encryption_headers.h"
#include "platform/linux/linux_encryption_sources.h"
#include "platform/linux/linux_inventory.h"
#include "snapshot/disk_map.h"

namespace stillpoint {

Result<EncryptionSurvey> survey_machine(const std::string& root) {
    Result<Inventory> inventory = linux_os::LinuxInventory().read();
    if (!inventory) {
        return inventory.error();
    }
    std::vector<std::string> told_by_the_worker;
    (void)apply_disk_map(*inventory, load_own_configuration(told_by_the_worker).disks);
    const linux_os::LinuxEncryptionSources reader(root);
    const linux_os::LinuxEncryptionHeaders headers;
    return survey_encryption(*inventory, gather_sources(reader, *inventory), headers);
}

Result<EncryptionSurvey> survey_machine_apart(Instant until) {
    constexpr std::size_t kMostBytes = 4 << 20;
    const Result<linux_os::CapturedOutput> output = linux_os::run_captured(
        {linux_os::own_program(), "encryption", "--json"}, kMostBytes, until);
    if (!output) {
        return fail(Code::encryption_survey_failed, "the encryption was not looked at")
            .caused_by(output.error());
    }
    // Where a part could not be read the exit code says so, and the survey itself says what.
    return parse_survey(output->text, Code::encryption_survey_failed);
}

}  // namespace stillpoint
