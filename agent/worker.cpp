// SPDX-License-Identifier: Apache-2.0
#include "agent/worker.h"

#include <iostream>
#include <random>

#include <unistd.h>

#include "agent/configuration.h"
#include "agent/handler_context.h"
#include "agent/machine_facts.h"
#include "agent/run_log.h"
#include "agent/worker_lock.h"
#include "base/format.h"
#include "handlers/events.h"
#include "handlers/settings.h"
#include "handlers/snapshot_method.h"
#include "platform/linux/beast_held_http.h"
#include "platform/linux/ca_bundle.h"
#include "platform/linux/cms_protector.h"
#include "platform/linux/cpprest_client.h"
#include "platform/linux/freeze_still_point.h"
#include "platform/linux/guard_process.h"
#include "platform/linux/linux_inventory.h"
#include "platform/linux/system_clock.h"
#include "snapshot/backup.h"
#include "snapshot/blob_upload.h"
#include "snapshot/disk_map.h"
#include "snapshot/passport.h"

namespace stillpoint {
namespace {

using namespace std::chrono_literals;

/// Longer than any backup takes: each of its waits has a limit.
constexpr Instant kOtherBackupLimit = 240s;

std::string random_nonce() {
    std::random_device random;
    return fmt::format("{:08x}{:08x}{:08x}{:08x}", random(), random(), random(), random());
}

/// One run of the worker. The steps stand in run(), in order.
class Worker {
public:
    Worker(HandlerContext& context, int sequence)
        : context_(context),
          sequence_(sequence),
          run_log_(clock_, context.environment().log_folder),
          config_(load_configuration()),
          http_({.ca_bundle = ca_bundle()}),
          held_http_(clock_, {.ca_bundle = ca_bundle()}) {}

    int run() {
        log().info("worker", "started",
                   {{"version", context_.version()},
                    {"sequence", std::to_string(sequence_)},
                    {"pid", std::to_string(::getpid())}});
        for (const std::string& warning : config_.warnings) {
            log().warning("configuration", "not understood", {{"what", warning}});
        }
        if (context_.durable_folder() != kDurableFolder) {
            log().warning("state", "is kept in the version's folder and lost with it",
                          {{"not writable", kDurableFolder}});
        }
        const Result<WorkerLock> lock =
            WorkerLock::take(context_.durable_folder(), clock_.now() + kOtherBackupLimit);
        if (!lock) {
            report_.error = lock.error();
        } else {
            back_up();
        }
        return finish();
    }

private:
    Log& log() { return run_log_.log(); }

    std::string ca_bundle() const {
        return config_.ours.ca_bundle.empty() ? linux_os::find_ca_bundle() : config_.ours.ca_bundle;
    }

    std::string_view configured_method() const {
        return config_.vmbackup.snapshot_method ? name_of(*config_.vmbackup.snapshot_method)
                                                : std::string_view();
    }

    /// Reads the request, backs up, and leaves everything that is to be said in report_.
    void back_up() {
        const std::string name = fmt::format("{}.settings", sequence_);
        const Result<std::string> text = context_.config().read(name, kSettingsLimitBytes);
        if (!text) {
            report_.error = fail(Code::settings_missing, fmt::format("cannot read '{}'", name))
                                .caused_by(text.error());
            return;
        }
        const linux_os::CmsProtector protector(context_.agent_folder());
        Result<ParsedSettings> settings = parse_settings(*text, protector, configured_method());
        if (!settings) {
            report_.request = echo_settings(*text);
            report_.error = settings.error();
            return;
        }
        settings_.emplace(std::move(*settings));
        for (const std::string& warning : settings_->warnings) {
            log().warning("settings", "read leniently", {{"what", warning}});
        }
        log().info("settings", "method",
                   {{"name", std::string(name_of(settings_->request.method))},
                    {"why", std::string(settings_->method_reason)}});
        forget_protected_settings(name, *text);
        say_running();
        if (only_installs()) {
            return;
        }
        const Result<GuestPlan> plan = plan_guest();
        if (!plan) {
            report_.request = echo_of(settings_->request);
            report_.error = plan.error();
            return;
        }
        hold_and_snapshot(*plan);
    }

    /// A request that asks for nothing more than that the extension is there.
    bool only_installs() const {
        return settings_ && settings_->request.command == BackupRequest::Command::install;
    }

    /// They stay on the disk no longer than needed, but only when they were opened: a retry needs
    /// them.
    void forget_protected_settings(const std::string& name, const std::string& text) {
        if (!settings_->had_protected_settings || settings_->protected_error) {
            return;
        }
        const Result<std::string> without = without_protected_settings(text);
        const Result<void> written =
            without ? context_.config().replace(name, *without) : without.error();
        if (!written) {
            log().warning("settings", "protected settings stay in the file",
                          {{"why", written.error().describe()}});
        }
    }

    Result<GuestPlan> plan_guest() {
        Result<Inventory> inventory = linux_os::LinuxInventory().read();
        if (!inventory) {
            return inventory.error();
        }
        for (const std::string& warning : apply_disk_map(*inventory, config_.ours.disks)) {
            log().warning("plan", "noticed", {{"what", warning}});
        }
        HoldSelection selection{.luns = settings_->request.luns,
                                .only_mounts = {},
                                .skip_mounts = config_.vmbackup.mounts_to_skip,
                                .only_devices = config_.ours.only_devices};
        Result<GuestPlan> plan = plan_hold(*inventory, selection);
        if (plan) {
            plan->hold.limit = hold_limit(config_.ours, config_.vmbackup);
            plan->hold.rehearse = config_.ours.rehearsal;
            for (const std::string& warning : plan->warnings) {
                log().warning("plan", "noticed", {{"what", warning}});
            }
        }
        passport_ = Passport{.agent_version = context_.version(),
                             .machine_identity = context_.machine_identity(),
                             .task_id = settings_->request.task_id,
                             .nonce = random_nonce(),
                             .time = {},
                             .disks = plan ? plan->disks : std::vector<std::string>(),
                             .inventory = std::move(*inventory)};
        return plan;
    }

    void hold_and_snapshot(const GuestPlan& plan) {
        linux_os::FreezeStillPoint still_point(log(), linux_os::guard_program());
        const BackupTools tools{still_point, http_, held_http_, clock_, log()};
        BackupServices services;
        services.host = {config_.ours.host.host, config_.ours.host.port};
        // What went wrong before the hold is said in the final document as well.
        const bool upload_failed = report_.status_upload_failed;
        report_ =
            run_backup(settings_->request, plan, services, tools, [this] { write_passport_now(); });
        report_.status_upload_failed = upload_failed;
        report_.storage = storage_facts(plan);
        log_outcome();
    }

    void write_passport_now() {
        passport_.time = clock_.wall_now();
        if (const Result<void> written = write_passport(context_.durable(), passport_); !written) {
            log().warning("passport", "not written, going on without",
                          {{"why", written.error().describe()}});
        }
    }

    void log_outcome() {
        for (const FilesystemEvidence& one : report_.evidence.filesystems) {
            const bool held = one.held_until_thaw();
            const auto span = held ? *one.thaw_begun - *one.frozen : Instant::zero();
            log().info("freeze", held ? "held filesystem" : "did not hold filesystem",
                       {{"mount", one.filesystem.mount_point},
                        {"held_us", std::to_string(span / 1us)},
                        {"errno", std::to_string(one.freeze_errno)}});
        }
        log().info("claim", "recovery point",
                   {{"level", std::string(name_of(report_.claim.level))}});
        for (const std::string& reason : report_.claim.reasons) {
            log().info("claim", "no higher level", {{"why", reason}});
        }
    }

    StatusDocument document(const Verdict& verdict) {
        return status_document(report_, verdict, context_.origin(clock_));
    }

    void upload(const std::optional<HttpTarget>& blob, std::string_view what,
                const std::string& text) {
        if (!blob || !config_.vmbackup.upload_status_and_log) {
            return;
        }
        if (const Result<void> done = BlobUpload(http_).put(*blob, text); !done) {
            report_.status_upload_failed = true;
            log().warning("upload", "not uploaded, going on without",
                          {{"what", std::string(what)}, {"why", done.error().describe()}});
        }
    }

    /// The vault reads from the status blob that the work goes on.
    void say_running() {
        report_.request = echo_of(settings_->request);
        report_.facts = machine_facts(context_.version());
        const StatusDocument running = document(transition_verdict());
        (void)context_.write_status(sequence_, running);
        upload(settings_->request.status_blob, "status", render_status_blob(running));
    }

    int finish() {
        report_.facts = machine_facts(context_.version());
        if (settings_ && settings_->protected_error) {
            report_.settings_error = settings_->protected_error;
        }
        const Verdict verdict = only_installs() ? install_verdict() : verdict_of(report_);
        log().info("worker", "ended",
                   {{"code", std::to_string(verdict.code)},
                    {"status", verdict.status},
                    {"consistency", std::to_string(verdict.consistency)}});
        if (report_.error) {
            log().error("worker", "backup failed", {{"why", report_.error->describe()}});
        }
        const StatusDocument ended = document(verdict);
        const Result<void> written = write_final(ended);
        if (settings_) {
            upload(settings_->request.status_blob, "status", render_status_blob(ended));
            upload(settings_->request.logs_blob, "log", run_log_.text());
        }
        leave_events();
        return written ? 0 : 1;
    }

    /// Under our number, and under a later one that asked for the same task meanwhile.
    Result<void> write_final(const StatusDocument& ended) {
        const Result<void> written = context_.write_status(sequence_, ended);
        if (!written) {
            log().error("status", "cannot write the status file",
                        {{"why", written.error().describe()}});
        }
        const HandlerState state = context_.state().load();
        if (state.sequence && *state.sequence != sequence_ && !ended.request.task_id.empty() &&
            state.task_id == ended.request.task_id) {
            (void)context_.write_status(*state.sequence, ended);
        }
        return written;
    }

    void leave_events() {
        if (!context_.environment().events_folder || config_.vmbackup.disable_logging) {
            return;
        }
        auto folder = linux_os::DirectoryStore::open(*context_.environment().events_folder);
        const EventOrigin origin{.extension = context_.folder_name(),
                                 .task_name = "Enable",
                                 .operation_id = report_.request.task_id,
                                 .process_id = std::to_string(::getpid()),
                                 .thread_id = std::to_string(::gettid())};
        const auto number = std::chrono::system_clock::now().time_since_epoch() / 1ns;
        const Result<void> written = folder ? write_events(*folder, origin, run_log_.lines(),
                                                           static_cast<std::uint64_t>(number))
                                            : folder.error();
        if (!written) {
            log().warning("events", "not written, going on without",
                          {{"why", written.error().describe()}});
        }
    }

    HandlerContext& context_;
    int sequence_;
    linux_os::SystemClock clock_;
    RunLog run_log_;
    Configuration config_;
    linux_os::CpprestClient http_;
    linux_os::BeastHeldHttp held_http_;
    std::optional<ParsedSettings> settings_;
    Passport passport_;
    BackupReport report_;
};

}  // namespace

int run_worker(int sequence) {
    Result<HandlerContext> context = HandlerContext::load();
    if (!context) {
        std::cerr << "stillpoint: " << context.error().describe() << '\n';
        return 1;
    }
    return Worker(*context, sequence).run();
}

}  // namespace stillpoint
