// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <string_view>

#include "encryption/key_urls.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    for (const stillpoint::DiskKeyUrls& one : stillpoint::parse_key_urls(text)) {
        // What goes into a passport is a plain URL without a query, which might hold a token.
        for (const std::string* url : {&one.urls.secret, &one.urls.key_encryption}) {
            if (!url->empty() && (!url->starts_with("https://") ||
                                  url->find_first_of("?#\n ") != std::string::npos)) {
                std::abort();
            }
        }
    }
    return 0;
}
