// SPDX-License-Identifier: Apache-2.0
#include "agent/run_documents.h"

#include <unistd.h>

#include "handlers/events.h"
#include "snapshot/blob_upload.h"

namespace stillpoint {

using namespace std::chrono_literals;

void RunDocuments::tell_running(BackupReport& report) {
    const StatusDocument running = document(report, transition_verdict());
    (void)context_.write_status(sequence_, running);
    upload_status(report, running);
    if (!report.status_upload_failed) {  // a store that is away holds up the backup only once
        upload_log(report);
    }
}

Result<void> RunDocuments::tell_ended(BackupReport& report, const Verdict& verdict) {
    const StatusDocument ended = document(report, verdict);
    Result<void> written = write_ended(ended);
    upload_status(report, ended);
    upload_log(report);
    leave_events(report);
    return written;
}

StatusDocument RunDocuments::document(const BackupReport& report, const Verdict& verdict) {
    return status_document(report, verdict, context_.origin(clock_));
}

/// Under our number, and under a later one that asked for the same task meanwhile.
Result<void> RunDocuments::write_ended(const StatusDocument& ended) {
    Result<void> written = context_.write_status(sequence_, ended);
    if (!written) {
        run_log_.log().error("status", "cannot write the status file",
                             {{"why", written.error().describe()}});
    }
    const HandlerState state = context_.state().load();
    if (state.sequence && *state.sequence != sequence_ && !ended.request.task_id.empty() &&
        state.task_id == ended.request.task_id) {
        (void)context_.write_status(*state.sequence, ended);
    }
    return written;
}

void RunDocuments::upload_status(BackupReport& report, const StatusDocument& document) {
    upload(report, targets_.status_blob, "status", render_status_blob(document));
}

void RunDocuments::upload_log(BackupReport& report) {
    if (config_.write_log) {
        upload(report, targets_.logs_blob, "log", run_log_.text());
    }
}

void RunDocuments::upload(BackupReport& report, const std::optional<HttpTarget>& blob,
                          std::string_view what, const std::string& text) {
    if (!blob || !config_.upload_status_and_log) {
        return;
    }
    if (const Result<void> done = BlobUpload(http_).put(*blob, text); !done) {
        report.status_upload_failed = true;
        run_log_.log().warning("upload", "not uploaded, going on without",
                               {{"what", std::string(what)}, {"why", done.error().describe()}});
    }
}

void RunDocuments::leave_events(const BackupReport& report) {
    if (!context_.environment().events_folder || config_.disable_logging || !config_.write_log) {
        return;
    }
    auto folder = linux_os::DirectoryStore::open(*context_.environment().events_folder);
    const EventOrigin origin{.extension = context_.folder_name(),
                             .task_name = "Enable",
                             .operation_id = report.request.task_id,
                             .process_id = std::to_string(::getpid()),
                             .thread_id = std::to_string(::gettid())};
    const auto number = std::chrono::system_clock::now().time_since_epoch() / 1ns;
    const Result<void> written =
        folder ? write_events(*folder, origin, run_log_.lines(), static_cast<std::uint64_t>(number))
               : folder.error();
    if (!written) {
        run_log_.log().warning("events", "not written, going on without",
                               {{"why", written.error().describe()}});
    }
}

}  // namespace stillpoint
