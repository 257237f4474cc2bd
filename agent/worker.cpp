// SPDX-License-Identifier: Apache-2.0
#include "agent/worker.h"

#include <iostream>
#include <random>

#include <unistd.h>

#include "agent/configuration.h"
#include "agent/handler_context.h"
#include "agent/locked_hold.h"
#include "agent/machine_facts.h"
#include "agent/passport_office.h"
#include "agent/run_documents.h"
#include "agent/run_log.h"
#include "agent/shared_lock.h"
#include "agent/worker_lock.h"
#include "base/format.h"
#include "handlers/script_hooks.h"
#include "handlers/settings.h"
#include "handlers/snapshot_method.h"
#include "platform/linux/beast_held_http.h"
#include "platform/linux/ca_bundle.h"
#include "platform/linux/child_process.h"
#include "platform/linux/cms_protector.h"
#include "platform/linux/cpprest_client.h"
#include "platform/linux/freeze_still_point.h"
#include "platform/linux/guard_process.h"
#include "platform/linux/linux_inventory.h"
#include "platform/linux/proc_file.h"
#include "platform/linux/scripts/linux_script_system.h"
#include "platform/linux/system_clock.h"
#include "platform/proxy_client.h"
#include "snapshot/backup.h"
#include "snapshot/disk_map.h"

namespace stillpoint {
namespace {

using namespace std::chrono_literals;

/// Longer than a backup takes whose scripts do not: each of its waits has a limit.
constexpr Instant kOtherBackupLimit = 240s;

constexpr const char* kProductUuid = "/sys/class/dmi/id/product_uuid";

std::string random_nonce() {
    std::random_device random;
    return fmt::format("{:08x}{:08x}{:08x}{:08x}", random(), random(), random(), random());
}

/// One run of the worker. The steps stand in run(), in order.
class Worker {
public:
    Worker(HandlerContext& context, int sequence, std::string guest_agent)
        : context_(context),
          sequence_(sequence),
          guest_agent_(std::move(guest_agent)),
          config_(load_configuration()),
          run_log_(clock_, context.environment().log_folder, config_.vmbackup.write_log),
          direct_http_({.ca_bundle = ca_bundle()}),
          tunnels_(clock_, connections()),
          http_(direct_http_, tunnels_, clock_, config_.proxies),
          held_http_(clock_, connections()),
          documents_(context, sequence, clock_, run_log_, config_.vmbackup, http_) {}

    int run() {
        log().info("worker", "started",
                   {{"version", context_.version()},
                    {"sequence", std::to_string(sequence_)},
                    {"pid", std::to_string(::getpid())}});
        for (const std::string& warning : config_.warnings) {
            log().warning("configuration", "not understood", {{"what", warning}});
        }
        log().info(
            "network", "proxies",
            {{"https", config_.proxies->shown(true)}, {"http", config_.proxies->shown(false)}});
        if (context_.durable_folder() != kDurableFolder) {
            log().warning("state", "is kept in the version's folder and lost with it",
                          {{"not writable", kDurableFolder}});
        }
        const Result<WorkerLock> lock =
            WorkerLock::take(context_.durable_folder(), clock_.now() + kOtherBackupLimit);
        // A service manager that is late may start what was started without it meanwhile.
        if (context_.has_ended(sequence_)) {
            return 0;
        }
        back_up(lock ? std::nullopt : std::optional(lock.error()));
        return finish();
    }

private:
    Log& log() { return run_log_.log(); }

    std::string ca_bundle() const {
        return config_.ours.ca_bundle.empty() ? linux_os::find_ca_bundle() : config_.ours.ca_bundle;
    }

    linux_os::BeastHeldHttp::Settings connections() {
        return {.ca_bundle = ca_bundle(),
                .look_up = linux_os::look_up_host,
                .proxies = config_.proxies,
                .warn = [this](const std::string& why) {
                    log().warning("network", "proxy of no use, going directly", {{"why", why}});
                }};
    }

    std::string_view configured_method() const {
        return config_.vmbackup.snapshot_method ? name_of(*config_.vmbackup.snapshot_method)
                                                : std::string_view();
    }

    /// Reads the request, backs up unless that is `refused`, and leaves everything that is to be
    /// said in report_.
    void back_up(const std::optional<Error>& refused) {
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
            DocumentTargets targets = read_document_targets(*text, protector);
            if (targets.opened_protected_settings) {
                forget_protected_settings(*text);
            }
            documents_.aim_at(std::move(targets));
            return;
        }
        settings_.emplace(std::move(*settings));
        for (const std::string& warning : settings_->warnings) {
            log().warning("settings", "read leniently", {{"what", warning}});
        }
        log().info("settings", "method",
                   {{"name", std::string(name_of(settings_->request.method))},
                    {"why", std::string(settings_->method_reason)}});
        if (settings_->host_polling) {
            log().warning("settings", "not polling the host for requests of its own",
                          {{"why", "this agent does not know how yet; this backup goes on"}});
        }
        if (settings_->had_protected_settings && !settings_->protected_error) {
            forget_protected_settings(*text);
        }
        documents_.aim_at({.status_blob = std::move(settings_->request.status_blob),
                           .logs_blob = std::move(settings_->request.logs_blob)});
        report_.request = echo_of(settings_->request);
        if (only_installs()) {
            return;
        }
        if (refused) {
            report_.error = refused;
            return;
        }
        hold_and_snapshot();
    }

    /// A request that asks for nothing more than that the extension is there.
    bool only_installs() const {
        return settings_ && settings_->request.command == BackupRequest::Command::install;
    }

    /// Only when they were opened: a retry needs them.
    void forget_protected_settings(const std::string& text) {
        if (const Result<void> done = context_.forget_protected_settings(sequence_, text); !done) {
            log().warning("settings", "protected settings stay in the file",
                          {{"why", done.error().describe()}});
        }
    }

    /// For what the running document tells of the machine.
    void count_partitions() {
        if (Result<Inventory> inventory = linux_os::LinuxInventory().read()) {
            (void)apply_disk_map(*inventory, config_.ours.disks);
            storage_plan_ = plan_storage(*inventory, settings_->request);
        }
    }

    Result<GuestPlan> plan_guest(const EncryptionTold& told) {
        Result<Inventory> inventory = linux_os::LinuxInventory().read();
        if (!inventory) {
            return inventory.error();
        }
        for (const std::string& warning : apply_disk_map(*inventory, config_.ours.disks)) {
            log().warning("plan", "noticed", {{"what", warning}});
        }
        storage_plan_ = plan_storage(*inventory, settings_->request);
        HoldSelection selection{.luns = settings_->request.luns,
                                .only_mounts = {},
                                .skip_mounts = config_.vmbackup.mounts_to_skip,
                                .only_devices = config_.ours.only_devices};
        Result<GuestPlan> plan = plan_hold(*inventory, selection);
        if (!plan) {
            return plan;
        }
        plan->hold.limit = hold_limit(config_.ours, config_.vmbackup);
        plan->hold.rehearse = config_.ours.rehearsal;
        for (const std::string& warning : plan->warnings) {
            log().warning("plan", "noticed", {{"what", warning}});
        }
        passports_.record({.agent_version = context_.version(),
                           .machine_identity = context_.machine_identity(),
                           .task_id = settings_->request.task_id,
                           .nonce = random_nonce(),
                           .time = clock_.wall_now(),
                           .disks = plan->disks,
                           .inventory = std::move(*inventory),
                           .product_uuid = linux_os::read_attribute(kProductUuid).value_or("")},
                          told);
        return plan;
    }

    void hold_and_snapshot() {
        linux_os::FreezeStillPoint freezing(log(), linux_os::guard_program());
        LockedHold still_point(freezing, freeze_lock_);
        linux_os::LinuxScriptSystem scripts(
            {.keeper_command = {linux_os::own_program(), kScriptKeeperCommand},
             .folder = context_.folder(),
             .lock_path = context_.durable_folder() + "/scripts.lock"});
        ScriptHooks hooks(scripts, log());
        const BackupTools tools{
            .still_point = still_point,
            .http = http_,
            .held_http = held_http_,
            .clock = clock_,
            .log = log(),
            // Where a database is meant, it and no script is what quiesces.
            .hooks = config_.workload.active() ? nullptr : &hooks,
            .host_asked = [this](const BackupReport& so_far) { say_running(so_far); }};
        BackupServices services;
        services.host = {config_.ours.host.host, config_.ours.host.port};
        count_partitions();
        passports_.look_at_encryption();
        BackupReport ended =
            run_backup(settings_->request, services, tools,
                       [this](const EncryptionTold& told) { return plan_guest(told); });
        // What went wrong before the hold is said in the final document as well.
        ended.status_upload_failed = report_.status_upload_failed;
        report_ = std::move(ended);
        note_database();
        report_.storage = storage_facts(storage_plan_, log());
        log_outcome();
    }

    /// A database that is meant and not brought to rest is no reason to go without a backup.
    void note_database() {
        if (!config_.workload.error) {
            return;
        }
        log().warning("database", "not brought to rest, going on without",
                      {{"why", config_.workload.error->describe()}});
        if (!report_.hook_error) {
            report_.hook_error = config_.workload.error;
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

    void say_running(const BackupReport& so_far) {
        told_running_ = true;
        report_.host_status_before = so_far.host_status_before;
        report_.facts = facts();
        report_.storage.partitions = storage_plan_.partitions;
        documents_.tell_running(report_);
    }

    std::vector<TelemetryFact> facts() const {
        std::vector<TelemetryFact> facts = machine_facts(context_.version(), guest_agent_);
        if (settings_) {
            facts.push_back({"billingType", settings_->request.only_os_disk ? "os disk" : "none"});
        }
        if (freeze_lock_.missed()) {
            facts.push_back({"freezeLock", "not taken"});
        }
        return facts;
    }

    int finish() {
        report_.facts = facts();
        if (settings_ && settings_->protected_error) {
            report_.settings_error = settings_->protected_error;
        }
        if (!told_running_) {
            report_.storage.used_bytes = 0;  // refused before anything was begun: nothing to bill
        }
        const Verdict verdict = only_installs() ? install_verdict() : verdict_of(report_);
        log().info("worker", "ended",
                   {{"code", std::to_string(verdict.code)},
                    {"status", verdict.status},
                    {"consistency", std::to_string(verdict.consistency)}});
        if (report_.error) {
            log().error("worker", "backup failed", {{"why", report_.error->describe()}});
        }
        if (verdict.status == "success") {
            passports_.note_point();
        }
        return documents_.tell_ended(report_, verdict) ? 0 : 1;
    }

    HandlerContext& context_;
    int sequence_;
    std::string guest_agent_;
    linux_os::SystemClock clock_;
    Configuration config_;
    RunLog run_log_;
    linux_os::CpprestClient direct_http_;
    linux_os::BeastHeldHttp tunnels_;  // for what goes through a proxy outside the hold
    ProxyClient http_;
    linux_os::BeastHeldHttp held_http_;
    RunDocuments documents_;
    std::optional<ParsedSettings> settings_;
    StoragePlan storage_plan_;
    PassportOffice passports_{context_.durable(), clock_, run_log_.log()};
    SharedLock freeze_lock_{run_log_.log(), clock_};
    bool told_running_ = false;
    BackupReport report_;
};

}  // namespace

int run_worker(int sequence, const std::string& guest_agent) {
    Result<HandlerContext> context = HandlerContext::load();
    if (!context) {
        std::cerr << "stillpoint: " << context.error().describe() << '\n';
        return 1;
    }
    return Worker(*context, sequence, guest_agent).run();
}

}  // namespace stillpoint
