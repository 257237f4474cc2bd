// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "encryption/survey.h"
#include "encryption/survey_text.h"
#include "platform/encryption_headers.h"

namespace stillpoint {

/// Tries the key file at hand on each volume that has a header: `key_files` where there are some,
/// else the volume's own, else everything on the volume with Azure Disk Encryption's keys. Derives
/// keys, so it takes seconds and up to a gigabyte. Nothing is activated and nothing is written.
/// `root`: what the paths of tables are below.
std::vector<KeyCheck> try_keys(const EncryptionSurvey& survey, const EncryptionHeaders& headers,
                               const std::vector<std::string>& key_files, const std::string& root);

}  // namespace stillpoint
