// SPDX-License-Identifier: Apache-2.0
#include "platform/http_client.h"

#include <algorithm>
#include <cctype>

namespace stillpoint {

std::string HttpTarget::shown() const {
    // An IPv6 address stands in brackets: RFC 3986, 3.2.2.
    const std::string name = host.find(':') == std::string::npos ? host : "[" + host + "]";
    return std::string(tls ? "https://" : "http://") + name + ":" + std::to_string(port) + path;
}

std::string_view HttpReply::header(std::string_view name) const {
    const auto same = [](char a, char b) {
        return std::tolower(static_cast<unsigned char>(a)) ==
               std::tolower(static_cast<unsigned char>(b));
    };
    for (const auto& [key, value] : headers) {
        if (std::ranges::equal(key, name, same)) {
            return value;
        }
    }
    return {};
}

}  // namespace stillpoint
