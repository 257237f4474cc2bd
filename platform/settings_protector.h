// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "base/result.h"
#include "base/secret.h"

namespace stillpoint {

/// Opens what the platform sealed for this machine.
class SettingsProtector {
public:
    virtual ~SettingsProtector() = default;

    /// `sealed` is base64 of a CMS EnvelopedData message, `thumbprint` 40 hexadecimal digits: the
    /// SHA-1 of the certificate it was sealed for. The content is not authenticated (CBC): validate
    /// it strictly. Errors: settings_undecryptable, with what was missing or did not fit.
    virtual Result<Secret> unprotect(std::string_view sealed,
                                     std::string_view thumbprint) const = 0;
};

}  // namespace stillpoint
