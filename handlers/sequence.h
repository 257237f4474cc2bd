// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "platform/file_store.h"

namespace stillpoint {

/// What is remembered from one `enable` to the next.
struct HandlerState {
    std::optional<int> sequence;  // the last one taken on
    std::string task_id;          // of that run; may be empty
    std::optional<std::string> machine_identity;
    bool operator==(const HandlerState&) const = default;
};

/// What `enable` sees.
struct EnableFacts {
    int sequence = 0;
    std::string task_id;
    std::string machine_identity;  // empty: unknown
    /// SEQ.status of `sequence` holds a document that says how the run ended.
    bool ended = false;
    /// A worker is at work now.
    bool worker_runs = false;
};

enum class EnableAction {
    run,              // a new request: remember it, then start a worker
    repeat_sequence,  // the VM agent calls again: everything stays as it is
    repeat_task,      // the same backup under a new number: its document, under that number
    repair            // the run was cut off (reboot, kill): say so, do not back up again
};

/// Decides what an `enable` is. The VM agent calls again with the same number on every restart and
/// on every change of its goal state; a machine restored from a disk brings another machine's
/// state along, which counts for nothing. Pure.
EnableAction decide_enable(const HandlerState& state, const EnableFacts& facts);

/// Reads and writes HandlerState under the names that the extension before us used, so that an
/// upgrade knows what was done.
class StateFiles {
public:
    /// `extension` is the extension's own folder, which goes with its version; `durable` outlives
    /// it and is asked where `extension` knows nothing. The sequence number stands in `extension`
    /// alone: the VM agent carries it over in an update, and after a removal numbers begin anew.
    StateFiles(FileStore& extension, FileStore& durable)
        : extension_(extension), durable_(durable) {}

    /// What cannot be read or is no number counts as never written.
    HandlerState load() const;

    /// Errors: file_unwritable.
    Result<void> remember_run(int sequence, std::string_view task_id);
    Result<void> remember_machine(std::string_view identity);

private:
    std::optional<std::string> read(std::string_view name) const;
    Result<void> write(std::string_view name, std::string_view content);

    FileStore& extension_;
    FileStore& durable_;
};

/// The attribute `guid` of the first Role in HostingEnvironmentConfig.xml; empty if there is none.
std::string parse_machine_identity(std::string_view xml);

/// The id under which the vault knows this machine: made once from the identity (without its
/// braces) and kept in `folder` for good. Errors: file_unwritable.
Result<std::string> unique_machine_id(FileStore& folder, std::string_view identity);

/// Takes every file of `folder` that ends in `suffix` (".status"), but `keep`, out of the VM
/// agent's sight: "3.status" becomes "3_status". The newest 60 of those stay. Errors:
/// file_unreadable, file_unwritable.
Result<void> retire_old_files(FileStore& folder, std::string_view suffix, std::string_view keep);

inline constexpr std::size_t kRetiredFilesKept = 60;

}  // namespace stillpoint
