// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace stillpoint::testing {

/// What happened, in order, across all fakes of a test: one comparison instead of an expectation on
/// each of them.
using Journal = std::vector<std::string>;

}  // namespace stillpoint::testing
