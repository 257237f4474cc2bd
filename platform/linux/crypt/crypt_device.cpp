// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/crypt/crypt_device.h"

#include <cerrno>
#include <cstdlib>
#include <mutex>
#include <string_view>

#include <libcryptsetup.h>

#include "base/error.h"
#include "platform/linux/crypt/bytes.h"

namespace stillpoint::linux_os {
namespace {

/// The library's settings are for the whole process.
void settle_library() {
    static std::once_flag once;
    std::call_once(once, [] {
        // Without a device at hand it would print.
        crypt_set_log_callback(
            nullptr, [](int, const char*, void*) {}, nullptr);
        // Why a LUKS2 header is refused is said in debug messages alone.
        crypt_set_debug_level(CRYPT_DEBUG_ALL);
        // No lock files; and the library then repairs nothing, not even in the copy.
        (void)crypt_metadata_locking(nullptr, 0);
    });
}

/// "Keyslot 0 is not assigned to exactly 1 digest." in a sentence of ours.
std::string clause(std::string text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == '.')) {
        text.pop_back();
    }
    return printable(text);
}

}  // namespace

void CryptDevice::Free::operator()(::crypt_device* device) const {
    crypt_free(device);
}

CryptDevice::CryptDevice(const HeaderCopy& copy, std::string name)
    : path_(copy.path()), name_(std::move(name)) {
    settle_library();
    ::crypt_device* device = nullptr;
    answer_ = crypt_init(&device, path_.c_str());
    device_.reset(device);
    if (device_) {
        crypt_set_log_callback(device_.get(), listen, said_.get());
    }
}

bool CryptDevice::load(const char* type) {
    if (device_) {
        answer_ = crypt_load(device_.get(), type, nullptr);
    }
    return answer_ == 0;
}

bool CryptDevice::could_not_look() const {
    return !device_ || answer_ == -ENOMEM || answer_ == -EMFILE || answer_ == -ENFILE;
}

void CryptDevice::listen(int level, const char* text, void* context) {
    Said& said = *static_cast<Said*>(context);
    const std::string_view line(text);
    if (level == CRYPT_LOG_ERROR && said.error.empty()) {
        said.error = line;
    }
    // In the order "Illegal area offset: 1.", "Repairing JSON metadata.", or "ERROR: ..." alone.
    constexpr std::string_view kMark = "ERROR: ";
    constexpr std::string_view kNoCause = "Checksum:";
    if (level == CRYPT_LOG_DEBUG && said.detail.empty() && !line.starts_with(kNoCause)) {
        if (line.starts_with("Repairing JSON metadata")) {
            said.detail = said.before;
        } else if (line.starts_with(kMark)) {
            said.detail = line.substr(kMark.size());
        }
        said.before = line;
    } else if (line.starts_with(kNoCause)) {
        said.before.clear();
    }
}

std::string CryptDevice::why(int answer) const {
    std::string text = said_->error.empty() ? said_->detail : said_->error;
    if (text.empty()) {
        return errno_text(std::abs(answer));
    }
    if (const std::size_t at = text.find(path_); at != std::string::npos) {
        text.replace(at, path_.size(), "'" + name_ + "'");
    }
    return clause(text);
}

}  // namespace stillpoint::linux_os
