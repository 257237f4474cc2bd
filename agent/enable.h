// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace stillpoint {

/// `enable`: records the request, leaves a status document that says the work goes on, starts the
/// worker and returns. The VM agent waits for nothing else meanwhile.
int enable();

}  // namespace stillpoint
