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

/// Reads a bundle in PEM; an empty name means that the system has none. Errors: file_unreadable.
Result<TlsTrust> load_tls_trust(const std::string& bundle);

}  // namespace stillpoint::linux_os
