// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "base/result.h"
#include "platform/http_client.h"

namespace stillpoint {

/// Takes a SAS URI apart: scheme, host (an IPv6 address without its brackets), the port that
/// stands there or the scheme's, the path as it is encoded, the query byte for byte. `what` names
/// it in errors, which never hold any of it. Errors: settings_malformed.
Result<HttpTarget> parse_sas_uri(std::string_view uri, std::string_view what);

}  // namespace stillpoint
