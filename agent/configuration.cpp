// SPDX-License-Identifier: Apache-2.0
#include "agent/configuration.h"

#include <fstream>
#include <sstream>

namespace stillpoint {

// TEMPORARY: replaced by handlers/config.
Configuration load_configuration(Log&) {
    Configuration c;
    std::ifstream file("/etc/stillpoint/stillpoint.conf");
    std::string line;
    std::string section;
    while (std::getline(file, line)) {
        if (!line.empty() && line[0] == '[') {
            section = line.substr(1, line.find(']') - 1);
            continue;
        }
        const auto eq = line.find(" = ");
        if (eq == std::string::npos) continue;
        const std::string key = line.substr(0, eq);
        const std::string value = line.substr(eq + 3);
        if (section == "disks") {
            DiskPlace place;
            if (value == "local")
                place.local = true;
            else
                place.lun = std::stoi(value);
            c.disks.emplace_back(key, place);
        } else if (key == "only_devices") {
            c.only_devices.emplace();
            std::stringstream list(value);
            std::string one;
            while (std::getline(list, one, ',')) {
                if (auto n = parse_device_number(one)) c.only_devices->push_back(*n);
            }
        } else if (key == "endpoint") {
            const auto colon = value.rfind(':');
            c.host.host = value.substr(7, colon - 7);
            c.host.port = std::stoi(value.substr(colon + 1));
        } else if (key == "ca_bundle") {
            c.ca_bundle = value;
        }
    }
    return c;
}

void apply_disk_map(Inventory& inventory, const Configuration& configuration) {
    for (auto& device : inventory.devices) {
        for (const auto& [name, place] : configuration.disks) {
            if (device.name == name) device.place = place;
        }
    }
}

}  // namespace stillpoint
