// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "encryption/survey.h"

namespace stillpoint {

/// What came of trying a key file on a volume.
struct KeyCheck {
    std::string device;
    std::string key_file;  // empty: there is none to try
    int keyslot = -1;      // that it opens
    std::string error;     // a code: "key_mismatch", "key_missing"; empty: it opens the keyslot
    std::string message;   // a sentence, for every error
};

/// The survey for people. Device, state and what to look at, then what is mounted from it.
std::string survey_text(const EncryptionSurvey& survey);

std::string key_checks_text(const std::vector<KeyCheck>& checks);
/// {"survey": ..., "keys": [...]}
std::string key_checks_json(const EncryptionSurvey& survey, const std::vector<KeyCheck>& checks);

}  // namespace stillpoint
