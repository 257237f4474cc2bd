// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include <boost/system/error_code.hpp>

#include "base/result.h"

namespace stillpoint::linux_os {

/// The most that the head of a reply may have, be it a server's or a proxy's.
inline constexpr std::uint32_t kMaxHeader = 32 * 1024;

/// What a failed read of a reply means to a person, and whether its number is an errno. `whose`
/// begins the sentence. Errors: http_failed.
Error reply_error(const std::string& whose, const boost::system::error_code& ec);

}  // namespace stillpoint::linux_os
