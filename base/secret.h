// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace stillpoint {

/// Text that must never reach a log, status, event or file: SAS queries, tokens, protected
/// settings. Wiped on destruction, movable, not copyable and not printable: fmt and streams do not
/// accept it, so a leak needs a visible call of reveal().
class Secret {
public:
    Secret() = default;
    /// Takes the text over and wipes the caller's copy.
    explicit Secret(std::string&& text);
    Secret(Secret&& other) noexcept;
    Secret& operator=(Secret&& other) noexcept;
    Secret(const Secret&) = delete;
    Secret& operator=(const Secret&) = delete;
    ~Secret();

    /// A second owner of the same text, made on purpose.
    [[nodiscard]] Secret duplicate() const;

    std::string_view reveal() const noexcept { return text_; }
    bool empty() const noexcept { return text_.empty(); }

private:
    std::string text_;
};

/// Overwrites `text` in a way the compiler may not remove, then empties it.
void wipe(std::string& text) noexcept;

}  // namespace stillpoint
