// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

#include <system_error>

#include "base/format.h"

namespace stillpoint {
namespace {

std::string_view domain_name(OsError::Domain domain) {
    switch (domain) {
        case OsError::Domain::posix:
            return "posix";
        case OsError::Domain::win32:
            return "win32";
        case OsError::Domain::hresult:
            return "hresult";
        case OsError::Domain::http:
            return "http";
    }
    return "unknown";
}

}  // namespace

std::string errno_text(int number) {
    return std::generic_category().message(number);
}

Error Error::with_os(OsError os) const {
    Error copy = *this;
    copy.os_ = os;
    return copy;
}

Error Error::with_errno(int number) const {
    return with_os({OsError::Domain::posix, number});
}

Error Error::with_http(int status) const {
    return with_os({OsError::Domain::http, status});
}

Error Error::caused_by(Error cause) const {
    Error copy = *this;
    copy.cause_ = std::make_shared<const Error>(std::move(cause));
    return copy;
}

std::string Error::describe() const {
    std::string text = fmt::format("{} [{}]", message_, name_of(code_));
    if (os_) {
        text += fmt::format(" ({} {}", domain_name(os_->domain), os_->number);
        if (os_->domain == OsError::Domain::posix) {
            text += ", " + errno_text(static_cast<int>(os_->number));
        }
        text += ")";
    }
    if (cause_) {
        text += " <- " + cause_->describe();
    }
    return text;
}

std::string Error::sentence() const {
    std::string text = message_;
    if (os_ && os_->domain == OsError::Domain::posix) {
        text += ": " + errno_text(static_cast<int>(os_->number));
    }
    if (os_ && os_->domain == OsError::Domain::http) {
        text += fmt::format(" (HTTP {})", os_->number);
    }
    if (cause_) {
        text += ": " + cause_->sentence();
    }
    return text;
}

}  // namespace stillpoint
