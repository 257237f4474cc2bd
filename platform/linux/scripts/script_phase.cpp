// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/scripts/script_phase.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <optional>

#include <poll.h>
#include <unistd.h>

#include "platform/linux/guard/boottime.h"
#include "platform/linux/scripts/capped_output.h"

namespace stillpoint::linux_os {
namespace {

using namespace std::chrono_literals;
using How = ScriptResult::How;

/// A supervisor reports in time or is killed: it may be stopped, or wait for the kernel.
constexpr Instant kReportLimit = 10s;
constexpr int kReadsPerTurn = 64;  // of 16 KiB: as much as the largest pipe usually holds

/// Reads what there is, without waiting, and not for ever: somebody may print faster than we read,
/// and limits are looked at in between. False: nobody can print there any more.
bool read_available(int fd, CappedOutput* output) {
    std::array<char, 16 * 1024> buffer;
    for (int reads = 0; reads < kReadsPerTurn; ++reads) {
        const ssize_t size = ::read(fd, buffer.data(), buffer.size());
        if (size > 0) {
            if (output != nullptr) {
                output->add({buffer.data(), static_cast<std::size_t>(size)});
            }
        } else if (size == 0) {
            return false;
        } else if (errno != EINTR) {
            return errno == EAGAIN;
        }
    }
    return true;
}

}  // namespace

void drain(std::vector<UniqueFd>& outputs) {
    std::erase_if(outputs,
                  [](const UniqueFd& output) { return !read_available(output.get(), nullptr); });
}

/// One script on its way through the phase.
class ScriptPhaseRun::One {
public:
    One(const KeptScript& script, ScriptPhase phase, Instant phase_end)
        : script_(&script), phase_(phase), phase_end_(phase_end), begun_(boottime_now()) {
        start();
    }

    bool ended() const { return ended_; }
    Instant report_due() const { return until_ + kReportLimit; }
    const SupervisedRun& now() const { return *run_; }

    void read_output() {
        if (!silent_) {
            silent_ = !read_available(run_->output_fd(), &output_);
        }
    }
    int output_fd() const { return silent_ ? -1 : run_->output_fd(); }

    void cancel() {
        last_run_ = true;
        run_->cancel();
    }

    /// The report is there, or overdue. The output that was left open, if the run is over.
    UniqueFd take_report() {
        const RunReport report = run_->report();
        if (run_->output_fd() >= 0) {
            read_output();
        }
        result_.how = report.how;
        result_.number = report.number;
        result_.changed = report.changed;
        if (report.how == How::timed_out && begun_run_ + script_->limit > phase_end_) {
            result_.how = How::phase_over;
        }
        const bool failed =
            (report.how == How::exited && report.number != 0) || report.how == How::signalled;
        UniqueFd left = silent_ ? UniqueFd() : run_->take_output();
        if (failed && !last_run_ && result_.runs <= script_->retries &&
            boottime_now() < phase_end_) {
            start();
        } else {
            ended_ = true;
            result_.took = boottime_now() - begun_;
        }
        return left;
    }

    ScriptResult result() {
        result_.output = output_.text();
        return result_;
    }

private:
    void start() {
        begun_run_ = boottime_now();
        until_ = std::min(begun_run_ + Instant(script_->limit), phase_end_);
        output_ = CappedOutput();
        ++result_.runs;
        run_.emplace(*script_, phase_, until_);
        silent_ = run_->output_fd() < 0;
    }

    const KeptScript* script_;
    ScriptPhase phase_;
    Instant phase_end_;
    Instant begun_;
    Instant begun_run_{};
    Instant until_{};
    std::optional<SupervisedRun> run_;
    CappedOutput output_;
    ScriptResult result_;
    bool silent_ = false;  // nothing more can come
    bool last_run_ = false;
    bool ended_ = false;
};

ScriptPhaseRun::ScriptPhaseRun(const std::vector<KeptScript>& scripts, ScriptPhase phase,
                               Instant phase_end, std::vector<UniqueFd>& outputs)
    : scripts_(scripts), phase_(phase), phase_end_(phase_end), outputs_(outputs) {}

std::vector<ScriptResult> ScriptPhaseRun::run(int interrupt) {
    std::vector<One> all;
    all.reserve(scripts_.size());
    for (const KeptScript& script : scripts_) {
        all.emplace_back(script, phase_, phase_end_);
    }
    while (std::ranges::any_of(all, [](const One& one) { return !one.ended(); })) {
        wait(all, interrupt);
    }
    std::vector<ScriptResult> results;
    for (One& one : all) {
        results.push_back(one.result());
    }
    return results;
}

void ScriptPhaseRun::wait(std::vector<One>& all, int interrupt) {
    std::vector<pollfd> waited = {{interrupted_ ? -1 : interrupt, 0, 0}};  // hanging up only
    Instant alarm = Instant::max();
    for (const One& one : all) {
        waited.push_back({one.ended() ? -1 : one.now().report_fd(), POLLIN, 0});
        waited.push_back({one.ended() ? -1 : one.output_fd(), POLLIN, 0});
        if (!one.ended()) {
            // A run that could not even begin has nothing to wait for.
            alarm = std::min(alarm, one.now().report_fd() < 0 ? Instant(0) : one.report_due());
        }
    }
    for (const UniqueFd& output : outputs_) {
        waited.push_back({output.get(), POLLIN, 0});
    }
    const auto left = Deadline(alarm).left(boottime_now());
    (void)::poll(waited.data(), waited.size(),
                 static_cast<int>(std::min<long>(left.count(), INT_MAX)));
    if (waited[0].revents != 0 && !interrupted_) {
        interrupted_ = true;
        std::ranges::for_each(all, [](One& one) { one.ended() ? void() : one.cancel(); });
    }
    drain(outputs_);
    for (std::size_t i = 0; i < all.size(); ++i) {
        One& one = all[i];
        if (one.ended()) {
            continue;
        }
        one.read_output();
        const bool due = waited[1 + 2 * i].revents != 0 || one.now().report_fd() < 0 ||
                         boottime_now() >= one.report_due();
        if (due) {
            if (UniqueFd left_open = one.take_report()) {
                outputs_.push_back(std::move(left_open));
            }
        }
    }
}

}  // namespace stillpoint::linux_os
