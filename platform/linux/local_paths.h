// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "platform/inventory.h"

namespace stillpoint::linux_os {

/// Looks paths up without ever touching a filesystem that may hang: each component's mount is found
/// in the mount table before it is looked at, and symbolic links are followed by hand.
class LocalPaths {
public:
    /// Paths are below `root`, which symbolic links do not leave. Keeps a reference to `inventory`.
    LocalPaths(const Inventory& inventory, std::string root);

    struct Place {
        std::string path;     // below the machine's own root, no component a symbolic link
        DeviceNumber device;  // of the mount that it lies on
        unsigned mode = 0;    // st_mode
    };
    /// No value: not there, or not to be touched.
    std::optional<Place> find(std::string_view path) const;

private:
    const Inventory* inventory_;
    std::string root_;
};

}  // namespace stillpoint::linux_os
