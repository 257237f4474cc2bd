// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "inspect/report.h"
#include "platform/byte_source.h"
#include "platform/encryption_headers.h"
#include "platform/volume_decryptor.h"
#include "platform/volume_probe.h"

namespace stillpoint {

struct GivenKey {
    std::string name;  // for the report, different for each: "key file 'disk.key'"
    KeyKind kind = KeyKind::passphrase;
    Secret key;
};

struct InspectRequest {
    std::string path;  // of the image
    std::vector<GivenKey> keys;
    std::string header_file;       // a detached header; empty: none
    std::optional<int> partition;  // look at this one alone
};

struct InspectTools {
    const EncryptionHeaders& headers;
    const VolumeProbe& probe;
    const VolumeDecryptor& decryptor;
};

/// Reads an image; `image` holds the bytes of `request.path`. Keys that open nothing, damaged
/// headers and filesystems that are not clean are part of the report.
/// Errors: volume_unreadable, image_unsupported; usage, when there is no such partition, or a
/// detached header and no word of whose it is.
Result<ImageReport> inspect_image(const ByteSource& image, const InspectRequest& request,
                                  const InspectTools& tools);

}  // namespace stillpoint
