// SPDX-License-Identifier: Apache-2.0
#pragma once

// fmt::join. A door of its own, because it costs each file that opens it a quarter of a second to
// build.
#include <fmt/format.h>
