// SPDX-License-Identifier: Apache-2.0
#include "base/secret.h"

namespace stillpoint {

void wipe(std::string& text) noexcept {
    // Up to the capacity: a longer text may have stood there before.
    text.resize(text.capacity());
    volatile char* bytes = text.data();
    for (std::size_t i = 0; i < text.size(); ++i) {
        bytes[i] = 0;
    }
    text.clear();
}

Secret::Secret(std::string&& text) : text_(text) {
    wipe(text);
}

// A short string lives inside the object: moving it would leave a copy behind, so copy and wipe.
Secret::Secret(Secret&& other) noexcept : text_(other.text_) {
    wipe(other.text_);
}

Secret& Secret::operator=(Secret&& other) noexcept {
    if (this != &other) {
        wipe(text_);
        text_ = other.text_;
        wipe(other.text_);
    }
    return *this;
}

Secret::~Secret() {
    wipe(text_);
}

Secret Secret::duplicate() const {
    return Secret(std::string(text_));
}

}  // namespace stillpoint
