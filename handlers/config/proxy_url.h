// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "platform/proxy.h"

namespace stillpoint {

/// Reads what names a proxy: "http://user:password@host:port", of which all but the host may be
/// left out. User name and password are percent-decoded (RFC 3986, 3.2.1); the port is 80 where
/// none stands. "https://" is taken for the same, since that is how it is mostly meant, but not
/// with a password: the proxy is spoken to in the clear. `source` becomes the proxy's. Errors:
/// settings_malformed, a sentence that holds nothing of the text.
Result<ProxyServer> parse_proxy(std::string_view text, std::string source);

}  // namespace stillpoint
