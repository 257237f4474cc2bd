// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <openssl/err.h>

#include "platform/linux/cms_protector.h"

// Sealed settings on a machine without any certificate: the message is taken apart, never opened.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace stillpoint;
    static const linux_os::CmsProtector protector("/nonexistent");
    const std::string_view sealed(reinterpret_cast<const char*>(data), size);
    const auto opened = protector.unprotect(sealed, "0123456789ABCDEF0123456789ABCDEF01234567");
    if (opened || ERR_peek_error() != 0) {
        std::abort();
    }
    return 0;
}
