// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/device_number.h"
#include "base/log.h"
#include "platform/inventory.h"
#include "snapshot/host_messages.h"

namespace stillpoint {

/// What the administrator set, in our file and in the ones of the extension before us
/// (docs/configuration.md).
struct Configuration {
    std::chrono::milliseconds limit{20'000};
    bool rehearsal = true;
    std::optional<std::vector<DeviceNumber>> only_devices;
    std::vector<std::string> skip_mounts;
    std::vector<std::pair<std::string, DiskPlace>> disks;
    std::string snapshot_method;
    HostEndpoint host;
    std::string ca_bundle;
    bool upload_status_and_log = true;
    bool no_events = false;
};

/// What cannot be used is logged with file, line and the value used instead.
Configuration load_configuration(Log& log);

void apply_disk_map(Inventory& inventory, const Configuration& configuration);

}  // namespace stillpoint
