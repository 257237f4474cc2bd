// SPDX-License-Identifier: Apache-2.0
#include "handlers/script_hooks.h"

#include <algorithm>
#include <string_view>

#include "base/format.h"
#include "handlers/config/reading.h"

namespace stillpoint {
namespace {

using How = ScriptResult::How;

/// The codes of a phase.
struct Codes {
    Code failed;
    Code timed_out;
    Code phase_over;
};

Codes codes_of(ScriptPhase phase) {
    return phase == ScriptPhase::pre ? Codes{Code::pre_script_failed, Code::pre_script_timed_out,
                                             Code::pre_scripts_timed_out}
                                     : Codes{Code::post_script_failed, Code::post_script_timed_out,
                                             Code::post_scripts_timed_out};
}

std::string_view word_of(ScriptPhase phase) {
    return phase == ScriptPhase::pre ? "pre" : "post";
}

std::string_view word_of(How how) {
    switch (how) {
        case How::exited:
            return "exited";
        case How::signalled:
            return "signalled";
        case How::timed_out:
            return "timed out";
        case How::phase_over:
            return "phase over";
        case How::not_started:
            return "not started";
        case How::changed:
            return "changed, not run";
        case How::lost:
            return "lost";
    }
    return "lost";
}

/// The end of the last line that is not empty: where a script says why it gives up.
std::string last_words(std::string_view output) {
    constexpr std::size_t kEnough = 200;
    output = without_blanks(output);
    const std::size_t line = output.rfind('\n');
    std::string_view words = line == std::string_view::npos ? output : output.substr(line + 1);
    if (words.size() <= kEnough) {
        return std::string(words);
    }
    std::size_t begin = words.size() - kEnough;
    while (begin < words.size() && (static_cast<unsigned char>(words[begin]) & 0xC0) == 0x80) {
        ++begin;
    }
    return "..." + std::string(words.substr(begin));
}

/// A log has one line for each entry.
std::string one_line(std::string_view output) {
    std::string line;
    for (const char letter : without_blanks(output)) {
        line += letter == '\n' ? std::string_view(" | ") : std::string_view(&letter, 1);
    }
    return line;
}

Error error_of(const ScriptResult& result, ScriptPhase phase, const std::string& location) {
    const Codes codes = codes_of(phase);
    const std::string script = fmt::format("the {} script '{}'", word_of(phase), location);
    const std::string words = last_words(result.output);
    const std::string said = words.empty() ? "" : fmt::format(", its last words '{}'", words);
    if (result.how == How::changed || result.ended_well()) {
        return fail(Code::script_changed,
                    script + " was changed after it had been checked" +
                        (result.how == How::changed ? " and was not run" : ""));
    }
    switch (result.how) {
        case How::exited:
            return fail(codes.failed,
                        fmt::format("{} ended with exit status {}{}", script, result.number, said));
        case How::signalled:
            return fail(codes.failed,
                        fmt::format("{} was ended by signal {}{}", script, result.number, said));
        case How::timed_out:
            return fail(codes.timed_out,
                        fmt::format("{} took longer than it may, and was ended{}", script, said));
        case How::phase_over:
            return fail(codes.phase_over,
                        fmt::format("{} was ended because all {} scripts together took longer than "
                                    "they may{}",
                                    script, word_of(phase), said));
        case How::not_started:
            return fail(codes.failed, script + " could not be started").with_errno(result.number);
        case How::changed:
        case How::lost:
            break;
    }
    return fail(codes.failed, script + " was ended: the process that ran it died");
}

}  // namespace

std::optional<Error> failure_of(const ScriptResult& result, ScriptPhase phase,
                                const std::string& location) {
    return result.succeeded() ? std::nullopt : std::optional(error_of(result, phase, location));
}

QuiesceOutcome ScriptHooks::left_out(const CheckedScripts& checked) {
    const Error& error = *checked.error;
    QuiesceOutcome outcome;
    if (error.code() == Code::script_config_missing) {
        log_.debug("scripts", "none are set up", {{"why", error.describe()}});
        return outcome;
    }
    log_.warning("scripts", "left out", {{"why", error.describe()}});
    if (leaves_out_silently(error.code())) {
        outcome.why_left_out = error.sentence();
        return outcome;
    }
    outcome.error = error;
    outcome.may_continue =
        checked.continues.size() == checked.pairs.size() || checked.continues.back();
    return outcome;
}

QuiesceOutcome ScriptHooks::quiesce() {
    CheckedScripts checked = check_scripts(system_);
    for (const std::string& warning : checked.warnings) {
        log_.warning("scripts", "noticed", {{"what", warning}});
    }
    app_name_ = checked.app_name;
    if (checked.error) {
        return left_out(checked);
    }
    if (checked.pairs.empty()) {
        return {};
    }
    continues_ = checked.continues;
    for (const ScriptPair& pair : checked.pairs) {
        pre_locations_.push_back(pair.pre.location);
        post_locations_.push_back(pair.post.location);
    }
    QuiesceOutcome outcome;
    outcome.hold = checked.freeze;
    outcome.may_continue = std::ranges::find(continues_, false) == continues_.end();
    Result<std::unique_ptr<ScriptKeeper>> keeper =
        system_.keep(std::move(checked.pairs), checked.phase_limit);
    if (!keeper) {
        outcome.error = fail(Code::pre_script_failed, "the scripts could not be started")
                            .caused_by(keeper.error());
        log_.error("scripts", "not started", {{"why", outcome.error->describe()}});
    } else {
        keeper_ = std::move(*keeper);
        outcome.ran = true;
        const Failure failure = judge(ScriptPhase::pre, keeper_->run(ScriptPhase::pre));
        outcome.error = failure.error;
        if (failure.error) {
            outcome.may_continue = !failure.ends_backup;
        }
    }
    // What neither rests nor is held is not worth a recovery point of this kind.
    outcome.may_continue = outcome.may_continue && (outcome.hold || !outcome.error);
    return outcome;
}

std::optional<Error> ScriptHooks::resume() {
    if (keeper_ == nullptr) {
        return std::nullopt;
    }
    const Failure failure = judge(ScriptPhase::post, keeper_->run(ScriptPhase::post));
    if (keeper_->was_lost()) {
        doubt_ = fail(Code::script_keeper_lost,
                      "the process that kept the scripts died before the post scripts were run");
        log_.warning("scripts", "kept by a new process", {{"why", doubt_->describe()}});
    } else if (keeper_->ran_early()) {
        doubt_ = fail(Code::script_keeper_lost,
                      "the post scripts were run before the backup asked for them, because it took "
                      "longer than they wait");
        log_.warning("scripts", "post scripts run early", {{"why", doubt_->describe()}});
    }
    keeper_.reset();
    if (failure.error && !failure.ends_backup) {
        doubt_ = failure.error;
        return std::nullopt;
    }
    return failure.error;
}

ScriptHooks::Failure ScriptHooks::judge(ScriptPhase phase,
                                        const std::vector<ScriptResult>& results) {
    const auto& locations = phase == ScriptPhase::pre ? pre_locations_ : post_locations_;
    Failure failure;
    for (std::size_t i = 0; i < locations.size(); ++i) {
        const ScriptResult result = i < results.size() ? results[i] : ScriptResult();
        const std::optional<Error> error = failure_of(result, phase, locations[i]);
        const std::initializer_list<LogField> fields = {
            {"phase", std::string(word_of(phase))},
            {"script", locations[i]},
            {"how", std::string(word_of(result.how))},
            {"number", std::to_string(result.number)},
            {"runs", std::to_string(result.runs)},
            {"took_ms", std::to_string(result.took / std::chrono::milliseconds(1))},
            {"output", one_line(result.output)}};
        if (!error) {
            log_.info("scripts", "script ended", fields);
            continue;
        }
        log_.warning("scripts", "script failed", fields);
        // One that changed and did its work all the same only makes the claim doubtful.
        const bool ends_backup = !continues_[i] && !result.ended_well();
        if (!failure.error || (ends_backup && !failure.ends_backup)) {
            failure.error = error;
        }
        failure.ends_backup = failure.ends_backup || ends_backup;
    }
    return failure;
}

}  // namespace stillpoint
