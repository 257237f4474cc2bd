// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

#include <boost/filesystem/operations.hpp>
#include <boost/filesystem/path.hpp>

namespace stillpoint::testing {

/// A folder that is gone at the end of the test.
class TemporaryFolder {
public:
    TemporaryFolder() {
        std::string name =
            (boost::filesystem::temp_directory_path() / "stillpoint-test-XXXXXX").string();
        path_ = ::mkdtemp(name.data());
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    ~TemporaryFolder() {
        boost::system::error_code ignored;
        boost::filesystem::remove_all(path_, ignored);
    }

    const boost::filesystem::path& path() const { return path_; }
    std::string file(std::string_view name) const { return (path_ / std::string(name)).string(); }

    void write(std::string_view name, std::string_view content) const {
        std::ofstream(file(name), std::ios::binary) << content;
    }
    std::string read(std::string_view name) const {
        std::ostringstream out;
        out << std::ifstream(file(name), std::ios::binary).rdbuf();
        return out.str();
    }

private:
    boost::filesystem::path path_;
};

}  // namespace stillpoint::testing
