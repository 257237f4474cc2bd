// SPDX-License-Identifier: Apache-2.0
#include "platform/http_client.h"

#include <algorithm>
#include <cctype>

#include "platform/http_wire.h"

namespace stillpoint {

std::string HttpTarget::shown() const {
    return std::string(tls ? "https://" : "http://") + shown_host() + path;
}

std::string HttpTarget::shown_host() const {
    return authority(host, port);
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
