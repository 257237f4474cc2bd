// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent/handler_context.h"
#include "agent/run_log.h"
#include "handlers/config/vmbackup_config.h"
#include "handlers/settings.h"
#include "platform/http_client.h"

namespace stillpoint {

/// Where a run tells how it goes: the status file, the status and the log blob, the events.
class RunDocuments {
public:
    /// `http`: a client that may need a while. All of them must outlive this.
    RunDocuments(HandlerContext& context, int sequence, const Clock& clock, RunLog& run_log,
                 const VmBackupConfig& config, HttpClient& http)
        : context_(context),
          sequence_(sequence),
          clock_(clock),
          run_log_(run_log),
          config_(config),
          http_(http) {}

    /// The blobs that the request named; without this there is a file alone.
    void aim_at(DocumentTargets targets) { targets_ = std::move(targets); }

    /// The vault reads from the status blob that the work goes on, and what the host has answered.
    /// What cannot be uploaded is noted in `report`.
    void tell_running(BackupReport& report);

    /// The last word. Errors: file_unwritable, for the status file.
    Result<void> tell_ended(BackupReport& report, const Verdict& verdict);

private:
    StatusDocument document(const BackupReport& report, const Verdict& verdict);
    void upload_status(BackupReport& report, const StatusDocument& document);
    void upload_log(BackupReport& report);
    void upload(BackupReport& report, const std::optional<HttpTarget>& blob, std::string_view what,
                const std::string& text);
    Result<void> write_ended(const StatusDocument& ended);
    void leave_events(const BackupReport& report);

    HandlerContext& context_;
    int sequence_;
    const Clock& clock_;
    RunLog& run_log_;
    const VmBackupConfig& config_;
    HttpClient& http_;
    DocumentTargets targets_;
};

}  // namespace stillpoint
