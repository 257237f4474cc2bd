// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/result.h"

namespace stillpoint::linux_os {

/// Replaces a file, keeping the old one beside it as "NAME.stillpoint-TIME", whose path is given;
/// empty: there was none. Mode, owner and extended attributes (SELinux' label) go over to the new
/// one. A symbolic link is refused: what it leads to may be another root's.
/// Errors: file_unwritable.
Result<std::string> replace_keeping(const std::string& path, const std::string& text);

/// Moves a file aside in the same way. Errors: file_unwritable.
Result<std::string> remove_keeping(const std::string& path);

/// Undoes either. Errors: file_unwritable.
Result<void> put_back_kept(const std::string& path, const std::string& copy);

/// Gives the name that the file got: an older one stays. Errors: volume_unreadable,
/// file_unwritable.
Result<std::string> copy_beginning_of(const std::string& device, std::uint64_t size,
                                      const std::string& file);

}  // namespace stillpoint::linux_os
