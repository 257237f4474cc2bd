// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fstream>
#include <sstream>
#include <string>

namespace stillpoint::testing {

/// A file of tests/golden, whole. Empty when there is none, which no golden text is.
inline std::string golden(const std::string& name) {
    std::ostringstream out;
    out << std::ifstream(std::string(SP_SOURCE_DIR) + "/tests/golden/" + name, std::ios::binary)
               .rdbuf();
    return out.str();
}

}  // namespace stillpoint::testing
