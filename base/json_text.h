// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/result.h"

namespace stillpoint {

// Included by .cpp files only: nlohmann's header is large.
using Json = nlohmann::ordered_json;

/// Parses JSON from outside: members keep their order, a byte order mark is skipped, nesting deeper
/// than 64 is refused, since everything that walks the value recurses.
/// Errors: `code`, with `what` and the byte where it went wrong; never a piece of the text, which
/// may hold a token.
Result<Json> parse_json(std::string_view text, Code code, const std::string& what);

/// JSON text as Python's json.dumps writes it: ", " between elements, ": " behind names, everything
/// outside ASCII escaped. What the service reads has always looked like this.
std::string python_json(const Json& value);

/// Skips a UTF-8 byte order mark, which the storage service puts in front of its XML.
std::string_view without_bom(std::string_view text);

}  // namespace stillpoint
