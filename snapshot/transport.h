// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "snapshot/outcome.h"

namespace stillpoint {

/// One way to have the disks snapshotted. Used once: prepare, then (at the still point) take.
class SnapshotTransport {
public:
    virtual ~SnapshotTransport() = default;

    /// Everything that may be slow: names, connections, TLS, the request's bytes. Before the hold.
    /// Errors: host_unreachable, blob_unreachable, blobs_missing.
    virtual Result<void> prepare(Deadline deadline) = 0;

    /// Just before the first freeze: is what was prepared still good? Makes it good again if it
    /// can.
    virtual Result<void> refresh(Deadline deadline) = 0;

    /// After a failed prepare or refresh: the disks that were to be snapshotted, with what is known
    /// of each. Empty where the service is asked for all of them at once.
    virtual SnapshotOutcome untried() const { return {}; }

    /// Sends, once, and waits for the replies until `deadline`: held until the still point's
    /// deadline, but replies are still awaited for a while after it, since what was taken must be
    /// reported. Opens no file, resolves no name. What failed is in the outcome.
    virtual SnapshotOutcome take() = 0;
};

}  // namespace stillpoint
