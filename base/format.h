// SPDX-License-Identifier: Apache-2.0
#pragma once

// The one door to fmt: g++ 12 and clang 14 have no <format>. On the day they do, this file changes.
// The small half of it; what needs more opens base/format_join.h.
#include <fmt/core.h>
