// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace stillpoint {

/// What `stillpoint explain CODE` prints: CODE is a published number, its name, a code from the
/// log, or one that the service reports of encrypted machines. Errors: usage, when there is no such
/// code.
Result<std::string> explain(std::string_view code);

}  // namespace stillpoint
