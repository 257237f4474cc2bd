// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include <openssl/x509.h>

#include "base/result.h"

namespace stillpoint::linux_os {

/// The certificates that are trusted, parsed once (a bundle takes tens of milliseconds) and shared
/// by every connection.
using TlsTrust = std::shared_ptr<X509_STORE>;

/// The system's bundle of root certificates: the first that there is of the places where
/// distributions keep it. OpenSSL's built-in path is of no use to a statically linked program,
/// which carries the path of the machine it was built on. Empty if there is none.
std::string find_ca_bundle();

/// Reads a bundle in PEM. Errors: file_unreadable.
Result<TlsTrust> load_tls_trust(const std::string& bundle);

}  // namespace stillpoint::linux_os
