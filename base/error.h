// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/code.h"  // generated from manifest/errors.json

namespace stillpoint {

/// A number that came from outside, and whose number it is.
struct OsError {
    enum class Domain { posix, win32, hresult, http };
    Domain domain = Domain::posix;
    long number = 0;

    bool operator==(const OsError&) const = default;
};

/// One failure: a code for programs, a sentence for people, and the failure beneath it, if any.
/// Copyable and cheap to copy; immutable once built. The message names things in single quotes and
/// holds no secret.
class Error {
public:
    Error(Code code, std::string message) : code_(code), message_(std::move(message)) {}

    [[nodiscard]] Error with_os(OsError os) const;
    [[nodiscard]] Error with_errno(int number) const;
    [[nodiscard]] Error with_http(int status) const;
    [[nodiscard]] Error caused_by(Error cause) const;

    Code code() const noexcept { return code_; }
    const std::string& message() const noexcept { return message_; }
    const std::optional<OsError>& os() const noexcept { return os_; }
    const Error* cause() const noexcept { return cause_.get(); }

    /// The whole chain on one line, outermost first, for the log:
    /// "cannot freeze '/data' [freeze_failed] (posix 16, Device or resource busy) <- ...".
    std::string describe() const;

    /// The messages alone, outermost first, for a person: "cannot freeze '/data': Device or
    /// resource busy".
    std::string sentence() const;

private:
    Code code_;
    std::string message_;
    std::optional<OsError> os_;
    std::shared_ptr<const Error> cause_;
};

/// What the system calls errno `number`, thread-safe.
std::string errno_text(int number);

}  // namespace stillpoint
