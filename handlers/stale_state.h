// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace stillpoint {

/// The names of the files in which the extension remembers its last run.
bool is_state_file(std::string_view name);

/// A file of state, by its path and its text.
struct StateText {
    std::string path;
    std::string text;

    bool operator==(const StateText&) const = default;
};

/// Whose machine this is.
struct StateOwner {
    /// It is another machine than the one that was backed up; no value: it cannot be told.
    std::optional<bool> restored;
    std::string then;  // what the VM agent called the one that was backed up; empty: unknown
    std::string now;   // what it calls this one; empty: unknown
};

/// Which files to take away, so that the next request is taken for the new one that it is.
struct StateReset {
    std::vector<std::string> to_remove;
    std::vector<std::string> undecided;  // those of which it cannot be told whose they are

    bool operator==(const StateReset&) const = default;
};

/// Only the extension's own files count: another extension has a sequence file of the same name,
/// and without it runs its last command again. Pure.
StateReset reset_stale_state(const std::vector<StateText>& files, const StateOwner& owner);

}  // namespace stillpoint
