// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fstream>
#include <string>

#include <boost/filesystem.hpp>

namespace stillpoint::testing {

/// A folder of its own for one test, gone at its end.
class TempTree {
public:
    TempTree() { boost::filesystem::create_directories(root_); }
    ~TempTree() {
        boost::system::error_code ignored;
        boost::filesystem::remove_all(root_, ignored);
    }
    TempTree(const TempTree&) = delete;
    TempTree& operator=(const TempTree&) = delete;

    std::string root() const { return root_.string(); }

    void write(const std::string& path, const std::string& text) const {
        boost::filesystem::create_directories((root_ / path).parent_path());
        std::ofstream((root_ / path).string()) << text;
    }
    void link(const std::string& target, const std::string& path) const {
        boost::filesystem::create_directories((root_ / path).parent_path());
        boost::filesystem::create_symlink(target, root_ / path);
    }
    void folder(const std::string& path) const {
        boost::filesystem::create_directories(root_ / path);
    }

private:
    boost::filesystem::path root_ = boost::filesystem::temp_directory_path() /
                                    boost::filesystem::unique_path("sp-%%%%%%%%%%%%");
};

}  // namespace stillpoint::testing
