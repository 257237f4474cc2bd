// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cstdlib>
#include <string>
#include <string_view>

#include "encryption/survey_encryption.h"
#include "encryption/survey_json.h"
#include "encryption/survey_text.h"
#include "tests/fakes/fake_encryption_headers.h"

namespace {

using namespace stillpoint;

BlockDevice device(const std::string& name, BlockKind kind, std::vector<std::string> below) {
    BlockDevice device;
    device.name = device.disk = name;
    device.kind = kind;
    device.size_bytes = 1U << 30U;
    device.below = std::move(below);
    return device;
}

Inventory machine(std::string_view dm_uuid) {
    Inventory inventory;
    inventory.devices = {device("sda", BlockKind::disk, {}), device("sdc", BlockKind::disk, {}),
                         device("sdc1", BlockKind::partition, {"sdc"}),
                         device("dm-0", BlockKind::dm_crypt, {"sdc1"}),
                         device("dm-1", BlockKind::dm_lvm, {"dm-0"})};
    inventory.devices[1].place.lun = 0;
    inventory.devices[3].dm_name = "data";
    inventory.devices[3].dm_uuid = dm_uuid;
    inventory.devices[4].dm_name = dm_uuid;
    return inventory;
}

}  // namespace

/// The tables and names of one machine, each up to a byte 1.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    std::string_view rest(reinterpret_cast<const char*>(data), size);
    std::array<std::string, 6> part;
    for (std::string& one : part) {
        const std::size_t end = std::min(rest.find('\x01'), rest.size());
        one = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    EncryptionSources sources;
    sources.crypttab = part[0];
    sources.fstab = part[1];
    sources.azure_crypt_mount = part[2];
    sources.azure_crypt_config = part[3];
    sources.ade_versions = {part[4], "1.4.0.5"};
    sources.header_files = {{"/boot/luks/osluksheader", "/boot/luks/osluksheader", {8, 1}, false}};
    testing::FakeEncryptionHeaders headers;
    headers.volumes["/boot/luks/osluksheader@0"].header.uuid = "u";

    const EncryptionSurvey survey = survey_encryption(machine(part[5]), sources, headers);
    (void)survey_text(survey);
    // It is taken from another process as text.
    if (!parse_survey(render_survey(survey), Code::encryption_survey_failed)) {
        std::abort();
    }
    return 0;
}
