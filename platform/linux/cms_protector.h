// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "platform/settings_protector.h"

namespace stillpoint::linux_os {

/// Opens protected settings with the certificates that the VM agent leaves in its folder as
/// THUMBPRINT.crt and THUMBPRINT.prv (PEM). In this process, no tool started, no plaintext on any
/// disk.
class CmsProtector final : public SettingsProtector {
public:
    /// `certificates`: the VM agent's folder, the parent of the extension's own.
    explicit CmsProtector(std::string certificates) : certificates_(std::move(certificates)) {}

    Result<Secret> unprotect(std::string_view sealed, std::string_view thumbprint) const override;

private:
    std::string certificates_;
};

}  // namespace stillpoint::linux_os
