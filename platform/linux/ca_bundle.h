// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace stillpoint::linux_os {

/// The file with the certificate authorities this guest trusts, or "" where there is none.
///
/// OpenSSL has one place compiled in, Debian's; one executable for every distribution has to look
/// for itself. SSL_CERT_FILE, where set, is taken as it is, as OpenSSL does: an administrator's
/// word is not replaced by another trust store just because the file cannot be read.
std::string find_ca_bundle();

/// The same, with what SSL_CERT_FILE says (may be null) and under another root directory, for
/// tests.
std::string find_ca_bundle(const char* ssl_cert_file, const std::string& root);

}  // namespace stillpoint::linux_os
