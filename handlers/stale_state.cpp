// SPDX-License-Identifier: Apache-2.0
#include "handlers/stale_state.h"

#include <map>
#include <set>

#include "handlers/state_names.h"

namespace stillpoint {
namespace {

/// Part of the folder's name for every version and publisher of the extension.
constexpr std::string_view kHandlerName = "VMSnapshotLinux";

std::string folder_of(const std::string& path) {
    return path.substr(0, path.rfind('/'));
}

std::string_view name_of_file(std::string_view path) {
    return path.substr(path.rfind('/') + 1);
}

std::string trimmed(std::string_view text) {
    constexpr std::string_view kBlanks = " \t\r\n";
    const std::size_t first = text.find_first_not_of(kBlanks);
    return first == std::string_view::npos
               ? std::string()
               : std::string(text.substr(first, text.find_last_not_of(kBlanks) - first + 1));
}

/// As the file in /etc/azure has it: without its braces.
std::string_view bare(std::string_view identity) {
    return identity.size() > 2 ? identity.substr(1, identity.size() - 2) : std::string_view();
}

class Sorter {
public:
    Sorter(const std::vector<StateText>& files, const StateOwner& owner)
        : files_(files), owner_(owner) {
        for (const StateText& file : files) {
            const std::string_view name = name_of_file(file.path);
            if (name == kMachineFile) {
                identities_[folder_of(file.path)] = trimmed(file.text);
            }
            if (name == kMachineFile || name == kTaskFile ||
                name_of_file(folder_of(file.path)).find(kHandlerName) != std::string_view::npos) {
                ours_.insert(folder_of(file.path));
            }
        }
    }

    StateReset sort() const {
        StateReset reset;
        for (const StateText& file : files_) {
            if (name_of_file(file.path) == kUniqueIdFile) {
                // It outlives restores in place and need not be the VM agent's name of any machine.
                add(file.path, owner_.restored && !is_of(trimmed(file.text), bare(owner_.now)),
                    reset);
            } else if (ours_.contains(folder_of(file.path))) {
                const auto found = identities_.find(folder_of(file.path));
                const std::string identity = found == identities_.end() ? "" : found->second;
                const bool anothers =
                    !identity.empty() && !owner_.now.empty() && identity != owner_.now;
                add(file.path, anothers || (owner_.restored && !is_of(identity, owner_.now)),
                    reset);
            }
        }
        return reset;
    }

private:
    /// Written by this machine since it was restored. A restored disk brings the old name along
    /// until the VM agent writes the new one: that one tells nothing.
    bool is_of(std::string_view identity, std::string_view now) const {
        return !now.empty() && owner_.now != owner_.then && identity == now;
    }

    void add(const std::string& path, bool stale, StateReset& reset) const {
        if (owner_.restored == false) {
            return;
        }
        if (stale) {
            reset.to_remove.push_back(path);
        } else if (!owner_.restored) {
            reset.undecided.push_back(path);
        }
    }

    const std::vector<StateText>& files_;
    const StateOwner& owner_;
    std::map<std::string, std::string> identities_;  // by folder
    std::set<std::string> ours_;                     // folders
};

}  // namespace

bool is_state_file(std::string_view name) {
    return name == kSequenceFile || name == kTaskFile || name == kMachineFile ||
           name == kUniqueIdFile;
}

StateReset reset_stale_state(const std::vector<StateText>& files, const StateOwner& owner) {
    return Sorter(files, owner).sort();
}

}  // namespace stillpoint
