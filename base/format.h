// SPDX-License-Identifier: Apache-2.0
#pragma once

// The one door to fmt: g++ 12 and clang 14 have no <format>. On the day they do, this file changes.
#include <fmt/format.h>
