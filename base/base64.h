// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace stillpoint {

/// Decodes base64 (RFC 4648, section 4): line breaks and blanks are skipped, padding is required.
/// No value when anything else stands there. The result may hold secrets: wipe() it after use.
std::optional<std::string> decode_base64(std::string_view text);

/// Encodes with padding, without line breaks. wipe() the result where `bytes` are a secret.
std::string encode_base64(std::string_view bytes);

}  // namespace stillpoint
