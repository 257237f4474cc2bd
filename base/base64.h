// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace stillpoint {

/// Decodes base64 (RFC 4648, section 4): line breaks and blanks are skipped, padding is required.
/// No value when anything else stands there. The result may hold secrets: wipe() it after use.
std::optional<std::string> decode_base64(std::string_view text);

/// Decodes as Python's b64decode does: what is no letter of the alphabet is skipped, padding ends
/// the text. Missing padding is made up for. No value when a single letter is left over. wipe() the
/// result where it may hold secrets.
std::optional<std::string> decode_base64_leniently(std::string_view text);

/// Encodes with padding, without line breaks. wipe() the result where `bytes` are a secret.
std::string encode_base64(std::string_view bytes);

}  // namespace stillpoint
