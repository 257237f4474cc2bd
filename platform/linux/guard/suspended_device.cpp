// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/guard/suspended_device.h"

#include <string>

#include <fcntl.h>
#include <unistd.h>

#include "platform/linux/guard/boottime.h"
#include "platform/linux/guard/unique_fd.h"

namespace stillpoint::linux_os {
namespace {

/// Source: the kernel's Documentation/ABI/testing/sysfs-block-dm.
bool is_suspended(const std::string& attribute) {
    const UniqueFd fd(::open(attribute.c_str(), O_RDONLY | O_CLOEXEC));
    char value = '0';
    return fd && ::read(fd.get(), &value, 1) == 1 && value == '1';
}

}  // namespace

bool stays_suspended(DeviceNumber device, Instant until) {
    const std::string attribute = "/sys/dev/block/" + to_string(device) + "/dm/suspended";
    while (is_suspended(attribute)) {
        if (boottime_now() >= until) {
            return true;
        }
        pause_for(kLook);
    }
    return false;
}

}  // namespace stillpoint::linux_os
