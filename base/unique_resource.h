// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>

namespace stillpoint {

/// Sole owner of one operating-system resource; closes it exactly once. `Traits` has value_type,
/// invalid(), is_open(value) and close(value); close keeps the caller's last error.
template <class Traits>
class UniqueResource {
public:
    using value_type = typename Traits::value_type;

    UniqueResource() noexcept = default;
    explicit UniqueResource(value_type value) noexcept : value_(value) {}
    UniqueResource(UniqueResource&& other) noexcept : value_(other.release()) {}
    UniqueResource& operator=(UniqueResource&& other) noexcept {
        reset(other.release());
        return *this;
    }
    UniqueResource(const UniqueResource&) = delete;
    UniqueResource& operator=(const UniqueResource&) = delete;
    ~UniqueResource() { reset(); }

    void reset(value_type next = Traits::invalid()) noexcept {
        const value_type old = std::exchange(value_, next);
        if (Traits::is_open(old)) {
            Traits::close(old);
        }
    }
    [[nodiscard]] value_type release() noexcept { return std::exchange(value_, Traits::invalid()); }
    value_type get() const noexcept { return value_; }
    explicit operator bool() const noexcept { return Traits::is_open(value_); }

private:
    value_type value_ = Traits::invalid();
};

}  // namespace stillpoint
