// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace stillpoint::linux_os {

/// The whole of a file the kernel makes up (/proc, /sys), whose size is not known before.
/// `at` is a folder's descriptor that a relative `path` starts from.
/// Errors: file_unreadable, with the errno.
Result<std::string> read_kernel_file(const std::string& path);
Result<std::string> read_kernel_file(int at, const std::string& path);

/// One value of sysfs without the white space around it; no value when it cannot be read.
std::optional<std::string> read_attribute(const std::string& path);

std::string_view trimmed(std::string_view text);

}  // namespace stillpoint::linux_os
