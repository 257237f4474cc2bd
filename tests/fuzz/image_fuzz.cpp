// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "inspect/filesystem_state/xfs_log.h"
#include "inspect/inspect.h"
#include "inspect/table_faults.h"
#include "tests/fakes/fake_encryption_headers.h"
#include "tests/fakes/fake_volume_tools.h"

namespace {

using namespace stillpoint;

/// Filesystems keep what matters far from their beginning, so the first byte says how far to
/// stretch the input: 0 not at all, else its second half goes so many KiB further back.
std::string stretched(const std::string& input) {
    const std::size_t by = static_cast<unsigned char>(input[0]) * 1024U;
    std::string image = input.substr(1);
    image.insert(image.size() / 2, by, '\0');
    return image;
}

/// As an image without a partition table.
void inspect_once(const std::string& image, const testing::FakeEncryptionHeaders& headers,
                  bool opens) {
    const testing::FakeVolumeProbe probe;
    const testing::FakeVolumeDecryptor decryptor;
    InspectRequest request;
    request.path = "image";
    request.keys.push_back({.name = "key", .key = Secret(std::string("k"))});
    const auto report =
        inspect_image(testing::ByteText(image), request, {headers, probe, decryptor});
    if (!report) {
        return;  // of another form, or too short
    }
    if (report_text(*report).empty() || report_json(*report).empty()) {
        std::abort();
    }
    // A table that is cut off makes other volumes of it.
    if (!report->table &&
        (report->unused_keys.empty() != opens || report->volumes.at(0).opened != opens)) {
        std::abort();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) {
        return 0;
    }
    const std::string image = stretched({reinterpret_cast<const char*>(data), size});
    testing::FakeEncryptionHeaders headers;
    inspect_once(image, headers, false);
    // The same behind an encryption that changes nothing.
    headers.volumes["image@0"] = {.header = {.cipher = "aes-xts-plain64"},
                                  .keyslots = {{"k", 0}},
                                  .volume_key = std::string(1, '\0')};
    inspect_once(image, headers, true);
    (void)read_xfs_log(testing::ByteText(image));
    (void)faults_of({.type = "gpt", .uuid = "", .partitions = {}}, testing::ByteText(image));
    return 0;
}
