// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "platform/linux/crypt/header_copy.h"

struct crypt_device;

namespace stillpoint::linux_os {

/// libcryptsetup's view of a copy of a header. What it says goes nowhere but into why().
class CryptDevice {
public:
    /// `name` stands for the copy in what it says. The copy must outlive this.
    CryptDevice(const HeaderCopy& copy, std::string name);

    /// `type`: CRYPT_LUKS1 and so on. False: why() tells.
    bool load(const char* type);

    /// The library's own, for its other functions; after a load that went well.
    ::crypt_device* get() const { return device_.get(); }

    /// Why it could not, as one clause: what it said, else what its `answer` means.
    std::string why(int answer) const;
    std::string why() const { return why(answer_); }
    /// After a load that failed: it says something of this machine, nothing of the header.
    bool could_not_look() const;
    /// It said something that is meant for the user.
    bool complained() const { return !said_->error.empty(); }

private:
    struct Free {
        void operator()(::crypt_device* device) const;
    };
    struct Said {
        std::string error;   // the first line that is meant for the user
        std::string detail;  // the cause, from the lines that are meant for its developers
        std::string before;  // the line before that one
    };
    static void listen(int level, const char* text, void* said);

    std::string path_;
    std::string name_;
    std::unique_ptr<Said> said_ = std::make_unique<Said>();
    std::unique_ptr<::crypt_device, Free> device_;
    int answer_ = 0;
};

}  // namespace stillpoint::linux_os
