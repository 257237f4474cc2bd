// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "handlers/status_document.h"
#include "snapshot/report.h"

namespace stillpoint {

/// What a run is called in the vault's numbers.
struct Verdict {
    int code = 1;
    std::string status = "success";  // "success" or "error"
    int health_code = 1;
    int health_state = 0;
    int consistency = 0;
    std::string message;

    bool operator==(const Verdict&) const = default;
};

/// The one place where what happened becomes a published number. Pure. The rules are the table in
/// docs/compatibility.md, "What is reported".
Verdict verdict_of(const BackupReport& report);

/// What made disks fail: of several causes the one that says most. No value when all were taken.
std::optional<Error> disks_error(const SnapshotOutcome& snapshots);

/// While the run goes on. The vault reads the number 4, not the word "transitioning".
Verdict transition_verdict();
Verdict install_verdict();

/// Who writes a document, and when.
struct DocumentOrigin {
    std::string handler_name;
    std::string handler_version;
    std::string machine_id;
    WallTime time{};
};

/// The document for `verdict`, with everything else from `report`: message and telemetry carry the
/// creator, the host's answers, the level of consistency and why it is no higher.
StatusDocument status_document(const BackupReport& report, const Verdict& verdict,
                               const DocumentOrigin& origin);

}  // namespace stillpoint
