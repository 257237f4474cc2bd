// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "encryption/survey.h"

namespace stillpoint {

/// Where the keys of one disk are, or of all when it is not said which.
struct DiskKeyUrls {
    std::optional<int> lun;  // -1: the OS disk
    KeyUrls urls;

    bool operator==(const DiskKeyUrls&) const = default;
};

/// Reads the platform's encryption settings, as they come with the host's answer and in the
/// metadata of blobs: JSON, its base64 or either in a JSON text, of one disk or a list of them.
/// What is not understood says nothing: the URLs stay unknown. Source: the compute resource
/// provider's DiskEncryptionSettings (secretUrl, keyUrl, sourceVault).
std::vector<DiskKeyUrls> parse_key_urls(std::string_view text);

/// Those of a machine's blobs, by blob. Which disk a blob is of is not known, so what does not say
/// it itself counts only, as for all, when every blob says something.
std::vector<DiskKeyUrls> parse_blob_key_urls(const std::vector<std::string>& blobs);

/// Puts them to their volumes: by LUN; those for all to every volume of Azure Disk Encryption,
/// unless two of them contradict each other.
void join_key_urls(EncryptionSurvey& survey, const std::vector<DiskKeyUrls>& urls);

}  // namespace stillpoint
