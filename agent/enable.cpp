// SPDX-License-Identifier: Apache-2.0
#include "agent/enable.h"

#include <algorithm>
#include <iostream>

#include <unistd.h>

#include "agent/configuration.h"
#include "agent/handler_context.h"
#include "agent/machine_facts.h"
#include "agent/run_log.h"
#include "agent/worker_lock.h"
#include "base/format.h"
#include "handlers/settings.h"
#include "handlers/status_reader.h"
#include "platform/linux/child_process.h"
#include "platform/linux/guard/boottime.h"
#include "platform/linux/guard_process.h"
#include "platform/linux/system_clock.h"
#include "platform/linux/systemd.h"

namespace stillpoint {
namespace {

using namespace std::chrono_literals;

constexpr Instant kSystemdLimit = 10s;

/// Ours, since people's scripts look at what the VM agent set; without the passwords of proxies.
std::vector<std::string> worker_environment(Log& log) {
    const std::vector<std::string> ours = linux_os::passed_environment();
    std::vector<std::string> passed = linux_os::without_proxy_logins(ours);
    for (const std::string& variable : ours) {
        if (std::ranges::find(passed, variable) == passed.end()) {
            log.warning(
                "network", "a proxy with a password is not taken from the environment",
                {{"variable", variable.substr(0, variable.find('='))}, {"instead", kAgentConfig}});
        }
    }
    return passed;
}

/// Detached: the VM agent kills what is left of its own service when it restarts, so under systemd
/// the worker gets a unit of its own; elsewhere a session.
Result<void> start_worker(const std::string& folder, int sequence, const std::string& guest_agent,
                          Log& log) {
    const std::vector<std::string> command = {
        linux_os::own_program(),  "worker",        "--sequence",
        std::to_string(sequence), "--guest-agent", guest_agent};
    if (linux_os::systemd_runs()) {
        const std::vector<std::string> environment = worker_environment(log);
        const linux_os::TransientService service{
            .unit = fmt::format("stillpoint-backup-{}-{}", sequence, ::getpid()),
            .properties = {"WorkingDirectory=" + folder, "KillMode=mixed"},
            .command = command,
            .after_stop = {linux_os::guard_program(), "--thaw-stale"},
            .environment = environment};
        if (linux_os::start_service(service, linux_os::boottime_now() + kSystemdLimit)) {
            return {};
        }
    }
    const Result<pid_t> child = linux_os::spawn(command, false);
    if (!child) {
        return fail(Code::worker_not_started, "cannot start the worker").caused_by(child.error());
    }
    return {};
}

class Enable {
public:
    explicit Enable(HandlerContext& context)
        : context_(context),
          run_log_(clock_, context.environment().log_folder,
                   load_configuration().vmbackup.write_log) {}

    int run() {
        const std::optional<int> sequence = context_.sequence();
        if (!sequence) {
            std::cerr << "stillpoint: there is no settings file\n";
            return 1;
        }
        sequence_ = *sequence;
        const Result<std::string> text =
            context_.config().read(settings_name(), kSettingsLimitBytes);
        // How the VM agent says that there are none. Not remembered: the first real ones may have
        // the same number.
        if (text && text->empty() && sequence_ == 0) {
            log().info("enable", "called without settings");
            return 0;
        }
        // Before the sequence is remembered: a request that cannot be read may be repaired and come
        // again.
        RequestEcho echo = text ? echo_settings(*text) : RequestEcho();
        report_.request = echo;
        report_.facts = machine_facts(context_.version(), guest_agent_);
        if (!text) {
            return end_with(
                fail(Code::settings_missing, fmt::format("cannot read '{}'", settings_name()))
                    .caused_by(text.error()));
        }
        const EnableAction action = decide(echo.task_id);
        log().info("enable", "called",
                   {{"sequence", std::to_string(sequence_)},
                    {"task", echo.task_id},
                    {"action", std::string(name_of(action))}});
        switch (action) {
            case EnableAction::run:
                return begin();
            case EnableAction::repeat_sequence:
                if (ended_) {
                    forget_protected_settings(*text);
                }
                return 0;
            case EnableAction::repeat_task:
                return repeat_task();
            case EnableAction::repair:
                return end_with(interrupted());
        }
        return 1;
    }

private:
    static std::string_view name_of(EnableAction action) {
        switch (action) {
            case EnableAction::run:
                return "begin a backup";
            case EnableAction::repeat_sequence:
                return "nothing: called again";
            case EnableAction::repeat_task:
                return "the same task under another number";
            case EnableAction::repair:
                return "repair the status of a backup that was cut off";
        }
        return "unknown";
    }

    Log& log() { return run_log_.log(); }
    std::string settings_name() const { return fmt::format("{}.settings", sequence_); }
    std::string status_name() const { return fmt::format("{}.status", sequence_); }

    EnableAction decide(const std::string& task_id) {
        ended_ = context_.has_ended(sequence_);
        const EnableFacts facts{.sequence = sequence_,
                                .task_id = task_id,
                                .machine_identity = context_.machine_identity(),
                                .ended = ended_,
                                .worker_runs = WorkerLock::is_held(context_.durable_folder())};
        return decide_enable(context_.state().load(), facts);
    }

    /// The VM agent has written them anew, and nobody will need them.
    void forget_protected_settings(const std::string& text) {
        if (const Result<void> done = context_.forget_protected_settings(sequence_, text); !done) {
            log().warning("enable", "protected settings stay in the file",
                          {{"why", done.error().describe()}});
        }
    }

    int begin() {
        retire();
        if (const Result<void> remembered = remember(); !remembered) {
            return end_with(remembered.error());
        }
        if (const Result<void> written = write(transition_verdict()); !written) {
            return 1;
        }
        if (const Result<void> started =
                start_worker(context_.folder(), sequence_, guest_agent_, log());
            !started) {
            return end_with(started.error());
        }
        return 0;
    }

    void retire() {
        for (const Result<void>& done :
             {retire_old_files(context_.config(), ".settings", settings_name()),
              retire_old_files(context_.status(), ".status", status_name())}) {
            if (!done) {
                log().warning("enable", "old files stay, going on",
                              {{"why", done.error().describe()}});
            }
        }
    }

    Result<void> remember() {
        StateFiles state = context_.state();
        if (const std::string identity = context_.machine_identity(); !identity.empty()) {
            if (Result<void> done = state.remember_machine(identity); !done) {
                return done;
            }
        }
        return state.remember_run(sequence_, report_.request.task_id);
    }

    /// The vault asks about the new number: it gets that task's document, final or running. A
    /// worker that still runs writes its final one under both numbers, since the new one is
    /// remembered first.
    int repeat_task() {
        const auto document = find_task_document(context_.status(), report_.request.task_id);
        if (!document) {
            return begin();  // it was another installation's; nothing here tells how it ended
        }
        if (const Result<void> remembered = remember(); !remembered) {
            return end_with(remembered.error());
        }
        if (!context_.status().replace(status_name(), *document)) {
            return 1;
        }
        const bool somebody_works = WorkerLock::is_held(context_.durable_folder());
        // The worker may have ended between our reading and our writing.
        const auto ended = find_ended_document();
        if (!ended && !somebody_works) {
            return end_with(interrupted());
        }
        if (ended && *ended != *document) {
            return context_.status().replace(status_name(), *ended) ? 0 : 1;
        }
        retire();
        return 0;
    }

    static Error interrupted() {
        return fail(Code::run_interrupted,
                    "the worker was stopped, or the machine restarted, "
                    "before the backup had ended");
    }

    std::optional<std::string> find_ended_document() {
        const auto names = context_.status().list();
        for (const std::string& name : names ? *names : std::vector<std::string>()) {
            const auto text = context_.status().read(name);
            const auto gist = text ? read_status(*text) : std::nullopt;
            if (gist && gist->ended && gist->task_id == report_.request.task_id) {
                return *text;
            }
        }
        return std::nullopt;
    }

    int end_with(const Error& error) {
        log().error("enable", "no backup was begun", {{"why", error.describe()}});
        report_.error = error;
        if (const Result<void> written = write(verdict_of(report_)); !written) {
            std::cerr << "stillpoint: " << written.error().describe() << '\n';
            return 1;
        }
        return 0;
    }

    Result<void> write(const Verdict& verdict) {
        return context_.write_status(sequence_,
                                     status_document(report_, verdict, context_.origin(clock_)));
    }

    HandlerContext& context_;
    linux_os::SystemClock clock_;
    RunLog run_log_;
    int sequence_ = 0;
    bool ended_ = false;  // its status file says so
    const std::string guest_agent_ = calling_guest_agent();
    BackupReport report_;
};

}  // namespace

int enable() {
    Result<HandlerContext> context = HandlerContext::load();
    if (!context) {
        std::cerr << "stillpoint: " << context.error().describe() << '\n';
        return 1;
    }
    return Enable(*context).run();
}

}  // namespace stillpoint
