// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "inspect/content.h"
#include "inspect/image_form.h"
#include "platform/encryption_headers.h"
#include "platform/volume_probe.h"

namespace stillpoint {

/// What came of one key on one encrypted volume.
struct KeyTrial {
    std::string key;             // its name
    std::optional<int> keyslot;  // that it opens
    bool mismatch = false;       // it opens none
    std::string problem;         // why it could not be tried
};

/// One partition, or the whole image.
struct VolumeReport {
    Partition partition;            // number 0: the whole image
    std::uint64_t bytes_there = 0;  // of it within the image
    std::string problem;            // of the volume itself, a sentence; mostly empty

    std::optional<EncryptionHeader> encryption;
    bool detached_header = false;
    std::vector<KeyTrial> keys;
    bool opened = false;  // decrypted with one of them

    /// What is on it, or once opened what is inside; no value: not looked at, and why.
    std::optional<Content> content;
    std::string not_looked_at;
};

/// What `inspect` found out about an image.
struct ImageReport {
    std::string path;
    std::uint64_t image_bytes = 0;
    ImageForm form;
    std::optional<PartitionTable> table;
    std::vector<std::string> table_problems;  // sentences
    std::vector<VolumeReport> volumes;
    std::vector<std::string> unused_keys;  // given, and opened nothing
};

/// What is not right, a sentence each: what exit code 3 rests on.
std::vector<std::string> problems_of(const ImageReport& report);
/// What nobody looked at, or what cannot be told, a sentence each.
std::vector<std::string> gaps_of(const ImageReport& report);

/// What it comes to in one line, where no problem stands for itself.
std::string_view conclusion_of(const ImageReport& report);

std::string report_text(const ImageReport& report);
std::string report_json(const ImageReport& report);

}  // namespace stillpoint
