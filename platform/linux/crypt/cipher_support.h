// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace stillpoint::linux_os {

/// Whether libcryptsetup can decrypt a keyslot itself: with OpenSSL, or through the kernel's crypto
/// sockets. `cipher`: "aes-xts-plain64".
bool decrypts_in_user_space(const std::string& cipher, int key_bits);

}  // namespace stillpoint::linux_os
