// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "platform/settings_protector.h"

namespace stillpoint::testing {

/// Opens everything to the same plain text, or to nothing when the certificate is missing.
class FakeSettingsProtector final : public SettingsProtector {
public:
    FakeSettingsProtector() = default;
    explicit FakeSettingsProtector(std::string plain) : plain_(std::move(plain)) {}

    void lose_certificate() { plain_.reset(); }

    Result<Secret> unprotect(std::string_view, std::string_view thumbprint) const override {
        if (!plain_) {
            return fail(Code::settings_undecryptable,
                        "cannot read '" + std::string(thumbprint) + ".prv'");
        }
        return Secret(std::string(*plain_));
    }

private:
    std::optional<std::string> plain_ = "{}";
};

}  // namespace stillpoint::testing
