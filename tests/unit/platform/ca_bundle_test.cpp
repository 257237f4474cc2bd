// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/ca_bundle.h"

#include <fstream>
#include <string>

#include <boost/filesystem.hpp>
#include <gtest/gtest.h>

namespace stillpoint::linux_os {
namespace {

namespace fs = boost::filesystem;

class FindCaBundle : public testing::Test {
protected:
    FindCaBundle() { fs::create_directories(root_); }
    ~FindCaBundle() override {
        boost::system::error_code ignored;
        fs::remove_all(root_, ignored);
    }
    FindCaBundle(const FindCaBundle&) = delete;
    FindCaBundle& operator=(const FindCaBundle&) = delete;

    std::string put(const std::string& path, const std::string& text) {
        fs::create_directories((root_ / path).parent_path());
        std::ofstream((root_ / path).string()) << text;
        return root() + path;
    }
    std::string root() const { return root_.string(); }

private:
    fs::path root_ = fs::temp_directory_path() / fs::unique_path("ca-bundle-%%%%%%%%");
};

TEST_F(FindCaBundle, FindsEachDistributionsPlace) {
    for (const char* place :
         {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
          "/etc/ssl/ca-bundle.pem", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
          "/etc/ssl/cert.pem"}) {
        const std::string path = put(place, "certificates");
        EXPECT_EQ(find_ca_bundle(nullptr, root()), path);
        fs::remove(path);
    }
}

TEST_F(FindCaBundle, PassesOverAnEmptyFileAndADirectory) {
    put("/etc/ssl/certs/ca-certificates.crt", "");
    fs::create_directories(root() + "/etc/pki/tls/certs/ca-bundle.crt");
    const std::string alpine = put("/etc/ssl/cert.pem", "certificates");
    EXPECT_EQ(find_ca_bundle("", root()), alpine);
}

TEST_F(FindCaBundle, TakesTheAdministratorsWordAsItIs) {
    put("/etc/ssl/cert.pem", "certificates");
    EXPECT_EQ(find_ca_bundle("/not/there.pem", root()), "/not/there.pem");
}

TEST_F(FindCaBundle, SaysNothingWhereThereIsNone) {
    EXPECT_EQ(find_ca_bundle(nullptr, root()), "");
}

}  // namespace
}  // namespace stillpoint::linux_os
