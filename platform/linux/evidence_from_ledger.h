// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "platform/linux/guard/ledger.h"
#include "platform/still_point.h"

namespace stillpoint::linux_os {

/// Adds what the ledger recorded: per filesystem its outcome and times, and which ones are still
/// stuck.
void evidence_from_ledger(const Ledger& ledger, const HoldPlan& plan, HoldEvidence& evidence);

/// The first filesystem that kept a hold from happening, as an error:
/// mount_not_openable, freeze_failed or freeze_timed_out.
Error why_not_held(const HoldEvidence& evidence);

}  // namespace stillpoint::linux_os
