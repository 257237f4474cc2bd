// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "encryption/survey.h"
#include "platform/encryption_sources.h"

namespace stillpoint {

struct DetachedHeader {
    FoundFile file;
    EncryptionHeader header;
    bool recognised = true;  // else it was wiped or not read: only state and problem say anything
};

/// The files with headers that are not on the device that they are of.
class DetachedHeaders {
public:
    /// Reads those that were found; what cannot be read becomes a gap.
    DetachedHeaders(const EncryptionSources& sources, const EncryptionHeaders& headers,
                    std::vector<std::string>& gaps);

    const std::vector<DetachedHeader>& all() const { return headers_; }

    /// The header of a volume: the file that a table names, else the one that Azure Disk Encryption
    /// keeps for this mapper's name, else the one with the UUID that it was opened with. Null:
    /// none.
    const DetachedHeader* find(const std::string& named, const std::string& mapper,
                               const BlockDevice* opened) const;

private:
    std::vector<DetachedHeader> headers_;
};

}  // namespace stillpoint
