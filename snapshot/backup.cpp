// SPDX-License-Identifier: Apache-2.0
#include "snapshot/backup.h"

#include <memory>

#include "snapshot/blob_transport.h"
#include "snapshot/host_service.h"
#include "snapshot/host_transport.h"
#include "snapshot/time_limit.h"

namespace stillpoint {
namespace {

enum class Way { host, guest };

/// One backup under way; run() is the whole of it, in order.
class Backup {
public:
    Backup(const BackupRequest& request, const BackupServices& services, const BackupTools& tools,
           const PlanHold& plan_hold)
        : request_(request),
          services_(services),
          tools_(tools),
          plan_hold_(plan_hold),
          host_(tools.http, services.host, services.presnapshot_limit) {}

    BackupReport run() {
        report_.request = echo_of(request_);
        report_.method = request_.method;
        report_.begun = tools_.clock.now();
        PreSnapshot asked = ask_host();
        if (!report_.error) {
            if (tools_.host_asked) {
                tools_.host_asked(report_);
            }
            go(std::move(asked));
        }
        report_.claim = claim(plan_, report_.evidence, report_.snapshots, applications_);
        report_.ended = tools_.clock.now();
        return std::move(report_);
    }

private:
    void go(PreSnapshot asked) {
        const QuiesceOutcome quiesced = quiesce();
        if (!report_.error && quiesced.ran) {
            asked = ask_host();  // hooks may have taken half an hour
        }
        if (!report_.error) {
            snapshot(asked);
        }
        resume(quiesced);
    }

    /// Sets report_.error when the backup must not go on.
    QuiesceOutcome quiesce() {
        QuiesceOutcome quiesced = tools_.hooks ? tools_.hooks->quiesce() : QuiesceOutcome();
        freeze_ = quiesced.hold;
        report_.hooks_ran = quiesced.ran;
        if (quiesced.error && !quiesced.may_continue) {
            report_.error = quiesced.error;
        } else {
            report_.hook_error = quiesced.error;
        }
        applications_.any_required =
            quiesced.ran || quiesced.error || !quiesced.why_left_out.empty();
        applications_.all_verified = quiesced.ran && !quiesced.error;
        applications_.why_not = quiesced.error ? quiesced.error->sentence() : quiesced.why_left_out;
        return quiesced;
    }

    void resume(const QuiesceOutcome& quiesced) {
        if (tools_.hooks == nullptr) {
            return;
        }
        report_.application_name = tools_.hooks->application_name();
        const std::optional<Error> failed = tools_.hooks->resume();
        if (failed && !quiesced.may_continue) {
            report_.resume_error = failed;
        }
        for (const std::optional<Error>& why : {failed, tools_.hooks->doubt()}) {
            if (!why) {
                continue;
            }
            applications_.all_verified = false;
            if (applications_.why_not.empty()) {
                applications_.why_not = why->sentence();
            }
            if (!report_.hook_error) {
                report_.hook_error = why;
            }
        }
    }

    void snapshot(const PreSnapshot& asked) {
        switch (request_.method) {
            case SnapshotMethod::only_host:
                hold(Way::host);
                return;
            case SnapshotMethod::only_guest:
                hold(Way::guest);
                return;
            case SnapshotMethod::first_host_then_guest:
                hold(asked.ready() ? Way::host : Way::guest);
                return;
            case SnapshotMethod::first_guest_then_host:
                hold(Way::guest);
                if (second_way_is_due()) {
                    go_second_way();
                }
                return;
        }
    }

    void go_second_way() {
        tools_.log.warning("backup", "no blob was snapshotted, asking the host",
                           {{"blobs", std::to_string(report_.snapshots.disks.size())}});
        report_.first_try = std::move(report_.snapshots);
        if (report_.error) {
            report_.first_try->error = std::move(report_.error);
        }
        report_.snapshots = {};
        report_.evidence = {};
        report_.error.reset();
        (void)ask_host();
        if (!report_.error) {
            hold(Way::host);
        }
    }

    /// The snapshots were tried and not one was taken. A failed hold is no reason: it would fail
    /// again. Neither is one that could not be let go: that outranks whatever may still come.
    bool second_way_is_due() const {
        if (!report_.evidence.stuck.empty()) {
            return false;
        }
        const bool blobs_unusable =
            report_.error && (report_.error->code() == Code::blobs_missing ||
                              report_.error->code() == Code::blob_unreachable);
        return blobs_unusable ||
               (!report_.error && report_.snapshots.by == SnapshotOutcome::By::guest &&
                report_.snapshots.none_successful());
    }

    /// presnapshot: is the host there, what time is it, what does it know of the disks. Sets
    /// report_.error when it is too late for this command.
    PreSnapshot ask_host() {
        const bool deciding = request_.method == SnapshotMethod::first_host_then_guest;
        const bool encryption_unknown = request_.disk_encryption && !told_.host;
        PreSnapshot asked = host_.presnapshot(request_, deciding || encryption_unknown);
        report_.host_status_before = asked.status;
        tools_.log.info(
            "host", "presnapshot answered",
            {{"status", std::to_string(asked.status)}, {"bhs_version", asked.bhs_version}});
        if (asked.error) {
            tools_.log.warning("host", "presnapshot failed, going on",
                               {{"why", asked.error->describe()}});
        }
        if (asked.encryption) {
            told_.host = asked.encryption;
        }
        if (asked.ready() && asked.error) {
            // Its time may be what was not understood; ours alone decides nothing against it.
            return asked;
        }
        const WallTime now = asked.host_time.value_or(tools_.clock.wall_now());
        report_.error = too_late(request_.command_start_ticks_number, now);
        return asked;
    }

    std::unique_ptr<SnapshotTransport> transport_for(Way way) {
        if (way == Way::host) {
            const HostTransport::Settings settings{services_.host, services_.host_reply_wait};
            return std::make_unique<HostTransport>(tools_.held_http, tools_.clock, request_,
                                                   told_.host, settings);
        }
        std::vector<HttpTarget> blobs;
        for (const HttpTarget& blob : request_.blobs) {
            blobs.push_back(blob.duplicate());
        }
        BlobTransport::Settings settings{.metadata = request_.metadata,
                                         .encryption = {},
                                         .reply_wait = services_.blob_reply_wait};
        if (request_.disk_encryption) {
            told_.blobs = read_blob_encryption(tools_.http, tools_.clock, blobs);
            settings.encryption = told_.blobs;
        }
        return std::make_unique<BlobTransport>(tools_.held_http, tools_.clock, std::move(blobs),
                                               std::move(settings));
    }

    void hold(Way way) {
        report_.snapshots_tried = true;
        const std::unique_ptr<SnapshotTransport> transport = transport_for(way);
        const auto soon = [this] { return Deadline(tools_.clock.now() + services_.prepare_limit); };
        Result<void> ready = transport->prepare(soon());
        if (ready) {
            ready = plan();
        }
        if (ready) {
            ready = transport->refresh(soon());  // a slow disk under the passport costs no backup
        }
        if (!ready) {
            report_.error = ready.error();
            report_.snapshots = transport->untried();
            if (report_.error->code() == Code::host_unreachable) {
                report_.snapshots.host_status = kNoReply;
            }
            return;
        }
        if (!freeze_) {
            take_unheld(*transport);
            return;
        }
        plan_.hold.all_or_nothing = !report_.fallback_allowed;
        report_.evidence = tools_.still_point.hold(
            plan_.hold, [&](Deadline) { report_.snapshots = transport->take(); });
        if (report_.evidence.not_held) {
            tools_.log.warning("freeze",
                               report_.fallback_allowed ? "not held, continuing crash-consistent"
                                                        : "not held, no snapshot is taken",
                               {{"why", report_.evidence.not_held->describe()}});
            if (report_.fallback_allowed) {
                report_.snapshots = transport->take();
            }
        }
    }

    /// As late as can be: scripts and the host may have taken half an hour, and what was mounted
    /// meanwhile must be held too.
    Result<void> plan() {
        Result<GuestPlan> planned = plan_hold_(told_);
        if (!planned) {
            return planned.error();
        }
        plan_ = std::move(*planned);
        report_.why_no_fallback = why_no_fallback(request_, plan_);
        report_.fallback_allowed = report_.why_no_fallback.empty();
        return {};
    }

    /// The administrator's scripts see to it that everything rests (fsFreezeEnabled false). What
    /// that is worth follows from the evidence, which there is none of.
    void take_unheld(SnapshotTransport& transport) {
        report_.evidence.not_held =
            fail(Code::freeze_disabled, "the scripts' configuration does not want it");
        tools_.log.warning("freeze", "not wanted, continuing without a hold", {});
        report_.snapshots = transport.take();
    }

    const BackupRequest& request_;
    const BackupServices& services_;
    const BackupTools& tools_;
    const PlanHold& plan_hold_;
    GuestPlan plan_;
    HostService host_;
    EncryptionTold told_;
    bool freeze_ = true;
    QuiescedApplications applications_;
    BackupReport report_;
};

}  // namespace

std::string why_no_fallback(const BackupRequest& request, const GuestPlan& plan) {
    if (!request.managed_vm) {
        return "the machine has unmanaged disks";
    }
    if (!request.may_be_crash_consistent) {
        return "the request does not allow a crash-consistent point";
    }
    if (request.backup_retry_count <= 0) {
        return "it is the first try of this backup";
    }
    if (plan.disks.size() > 1 && plan.stack_spans_disks) {
        return "a mounted filesystem or its volumes lie across several disks";
    }
    return "";
}

BackupReport run_backup(const BackupRequest& request, const BackupServices& services,
                        const BackupTools& tools, const PlanHold& plan_hold) {
    return Backup(request, services, tools, plan_hold).run();
}

}  // namespace stillpoint
