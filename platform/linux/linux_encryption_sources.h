// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "platform/encryption_sources.h"

namespace stillpoint::linux_os {

/// Reads files below `root`, "/" or where a machine's root is mounted; the devices are always those
/// of the machine it runs on. Never opens a file that may hold a key.
class LinuxEncryptionSources final : public EncryptionSourceReader {
public:
    /// `dev_root` is another folder only in tests.
    explicit LinuxEncryptionSources(std::string root = "/", std::string dev_root = "/dev")
        : root_(std::move(root)), dev_root_(std::move(dev_root)) {}

    EncryptionSources read(const Inventory& inventory) const override;
    std::vector<FoundFile> find(const Inventory& inventory,
                                const std::vector<std::string>& paths) const override;

private:
    std::string root_;
    std::string dev_root_;
};

}  // namespace stillpoint::linux_os
