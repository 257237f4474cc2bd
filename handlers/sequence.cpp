// SPDX-License-Identifier: Apache-2.0
#include "handlers/sequence.h"

#include <algorithm>

#include "base/format.h"
#include "handlers/handler_environment.h"
#include "handlers/state_names.h"

namespace stillpoint {
namespace {

constexpr std::size_t kStateLimitBytes = 4096;

std::string trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    return first == std::string_view::npos
               ? std::string()
               : std::string(text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1));
}

std::string retired_name(std::string name) {
    std::ranges::replace(name, '.', '_');
    return name;
}

}  // namespace

EnableAction decide_enable(const HandlerState& state, const EnableFacts& facts) {
    const bool another_machine = state.machine_identity && !state.machine_identity->empty() &&
                                 !facts.machine_identity.empty() &&
                                 *state.machine_identity != facts.machine_identity;
    if (another_machine) {
        return EnableAction::run;
    }
    if (state.sequence == facts.sequence) {
        return facts.ended || facts.worker_runs ? EnableAction::repeat_sequence
                                                : EnableAction::repair;
    }
    return !facts.task_id.empty() && facts.task_id == state.task_id ? EnableAction::repeat_task
                                                                    : EnableAction::run;
}

std::optional<std::string> StateFiles::read(std::string_view name) const {
    for (const FileStore* store : {&extension_, &durable_}) {
        if (auto text = store->read(name, kStateLimitBytes)) {
            return *std::move(text);
        }
    }
    return std::nullopt;
}

Result<void> StateFiles::write(std::string_view name, std::string_view content) {
    // The durable copy first: when only that one succeeds, nothing is lost at the next upgrade.
    if (auto done = durable_.replace(name, content); !done) {
        return done;
    }
    return extension_.replace(name, content);
}

HandlerState StateFiles::load() const {
    HandlerState state;
    if (const auto sequence = extension_.read(kSequenceFile, kStateLimitBytes)) {
        state.sequence = parse_sequence(*sequence);
    }
    state.task_id = trimmed(read(kTaskFile).value_or(""));
    state.machine_identity = read(kMachineFile);
    return state;
}

Result<void> StateFiles::remember_run(int sequence, std::string_view task_id) {
    if (auto done = write(kTaskFile, task_id); !done) {
        return done;
    }
    return extension_.replace(kSequenceFile, std::to_string(sequence));
}

Result<void> StateFiles::remember_machine(std::string_view identity) {
    return write(kMachineFile, identity);
}

std::string parse_machine_identity(std::string_view xml) {
    std::size_t role = xml.find("<Role ");
    if (role == std::string_view::npos) {
        role = xml.find("<Role\n");
    }
    if (role == std::string_view::npos) {
        return {};
    }
    const std::string_view tag = xml.substr(role, xml.find('>', role) - role);
    constexpr std::string_view kAttribute = "guid=";
    const std::size_t found = tag.find(kAttribute);
    if (found == std::string_view::npos || found + kAttribute.size() >= tag.size()) {
        return {};
    }
    const std::size_t open = found + kAttribute.size();
    const char quote = tag[open];
    const std::size_t close = tag.find(quote, open + 1);
    if ((quote != '"' && quote != '\'') || close == std::string_view::npos) {
        return {};
    }
    return std::string(tag.substr(open + 1, close - open - 1));
}

Result<std::string> unique_machine_id(FileStore& folder, std::string_view identity) {
    if (auto kept = folder.read(kUniqueIdFile, kStateLimitBytes)) {
        if (std::string id = trimmed(*kept); !id.empty()) {
            return id;
        }
    }
    if (identity.size() <= 2) {
        return std::string();
    }
    const std::string id(identity.substr(1, identity.size() - 2));
    if (auto done = folder.replace(kUniqueIdFile, id); !done) {
        return done.error();
    }
    return id;
}

Result<void> retire_old_files(FileStore& folder, std::string_view suffix, std::string_view keep) {
    const auto names = folder.list();
    if (!names) {
        return names.error();
    }
    const std::string retired_suffix = retired_name(std::string(suffix));
    std::size_t retired = 0;
    for (const std::string& name : *names) {
        const bool current = name.ends_with(suffix) && name != keep;
        if (!current && !name.ends_with(retired_suffix)) {
            continue;
        }
        Result<void> done;
        if (++retired > kRetiredFilesKept) {
            done = folder.remove(name);
        } else if (current) {
            done = folder.rename(name, retired_name(name));
        }
        if (!done) {
            return done;
        }
    }
    return {};
}

}  // namespace stillpoint
