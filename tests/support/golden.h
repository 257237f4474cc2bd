// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

namespace stillpoint::testing {

inline std::string read_whole_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

/// `text` is, byte for byte, what tests/golden/`name` holds. SP_UPDATE_GOLDEN=1 rewrites the file.
/// SP_GOLDEN_DIR comes from CMake.
inline void expect_golden(const std::string& name, const std::string& text) {
    const std::string path = std::string(SP_GOLDEN_DIR) + "/" + name;
    if (const char* update = std::getenv("SP_UPDATE_GOLDEN");
        update != nullptr && std::string(update) == "1") {
        std::ofstream(path, std::ios::binary) << text;
        return;
    }
    EXPECT_EQ(text, read_whole_file(path)) << "differs from " << path;
}

}  // namespace stillpoint::testing
