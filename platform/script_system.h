// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace stillpoint {

/// Who owns a file and who may do what with it, seen on the opened file itself.
struct FileFacts {
    bool regular = false;
    bool owned_by_root = false;
    unsigned mode = 0;  // permission bits: 0700
    /// The first folder on the way to it in which others than root may exchange what lies there;
    /// empty: none, so the path leads to this file for as long as root wants.
    std::string exchangeable_in;
};

/// A file that steers a backup, or is run by it: opened once, then judged and read as that.
class ScriptFile {
public:
    virtual ~ScriptFile() = default;
    virtual const FileFacts& facts() const = 0;
    /// Errors: file_unreadable, also when it is larger than `limit`.
    virtual Result<std::string> read(std::size_t limit) const = 0;
};

/// One script, checked.
struct Script {
    std::string location;
    std::vector<std::string> parameters;
    std::chrono::milliseconds limit{};  // of each run
    int retries = 0;                    // runs after one that failed
    std::shared_ptr<const ScriptFile> file;
};

/// What one plugin runs around a snapshot.
struct ScriptPair {
    Script pre;
    Script post;
};

enum class ScriptPhase { pre, post };

/// What became of one script of a phase.
struct ScriptResult {
    enum class How {
        exited,       // number: the exit status; 0 is success
        signalled,    // number: the signal
        timed_out,    // it took longer than its own limit, and was ended with all it had started
        phase_over,   // the phase took longer than all scripts together may; ended likewise
        not_started,  // number: errno
        changed,      // a pre script is not what was checked: not run
        lost,         // the process that ran it is gone; it was ended
    };
    How how = How::lost;
    int number = 0;
    /// A post script is not what was checked, and was run all the same if its owner and mode are
    /// right, or else as it was checked: an application left at rest is worse.
    bool changed = false;
    int runs = 0;
    Instant took{};
    /// Standard output and error of the last run, in the order they came: the beginning and the
    /// end.
    std::string output;

    bool ended_well() const { return how == How::exited && number == 0; }
    bool succeeded() const { return ended_well() && !changed; }
};

/// Runs scripts, and runs the post scripts even when the process that owns this object dies: they
/// are kept by a process of their own.
class ScriptKeeper {
public:
    /// Ends the other process. Post scripts that were not asked for by then are run by it, if
    /// pre scripts were.
    virtual ~ScriptKeeper() = default;

    /// Runs all scripts of the phase side by side; one result for each pair, in order. Never later
    /// than the phase's limit and a little.
    virtual std::vector<ScriptResult> run(ScriptPhase phase) = 0;

    /// The other process died between the phases; what had been brought to rest may have gone on.
    virtual bool was_lost() const = 0;

    /// The post scripts were run before they were asked for: the caller took too long.
    virtual bool ran_early() const = 0;
};

/// The system's side of scripts.
class ScriptSystem {
public:
    virtual ~ScriptSystem() = default;

    /// Null: there is no such file. Errors: file_unreadable; the os says why.
    virtual Result<std::shared_ptr<const ScriptFile>> open(const std::string& path) = 0;

    /// Nothing is run yet. `phase_limit` is for all scripts of one phase. Errors: internal.
    virtual Result<std::unique_ptr<ScriptKeeper>> keep(std::vector<ScriptPair> pairs,
                                                       std::chrono::milliseconds phase_limit) = 0;
};

}  // namespace stillpoint
