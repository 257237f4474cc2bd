// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace stillpoint {

/// The second wall around secrets, at every sink: replaces the query of every URL, the name and
/// password before its host, every `sig=` value and everything that looks like a JSON web token by
/// "***". The first wall is Secret, which cannot be printed.
std::string redact(std::string_view text);

}  // namespace stillpoint
