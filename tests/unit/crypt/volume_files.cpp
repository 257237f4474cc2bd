// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/crypt/volume_files.h"

#include <cstdlib>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "base/format.h"
#include "platform/linux/crypt/digest.h"
#include "platform/linux/crypt/linux_encryption_headers.h"

namespace stillpoint::testing {
namespace {

/// Fails the test when the file is not as it was.
class Unchanged {
public:
    explicit Unchanged(std::string path) : path_(std::move(path)), before_(hash_of_file(path_)) {}
    ~Unchanged() { EXPECT_EQ(hash_of_file(path_), before_) << path_ << " was written to"; }
    Unchanged(const Unchanged&) = delete;
    Unchanged& operator=(const Unchanged&) = delete;

private:
    std::string path_;
    std::string before_;
};

}  // namespace

VolumeFiles::VolumeFiles() {
    tree_.write("key", kPassphrase);
}

std::string VolumeFiles::file(const std::string& name, std::uint64_t bytes) {
    tree_.write(name, "");
    boost::filesystem::resize_file(path(name), bytes);
    return path(name);
}

std::string VolumeFiles::quick() const {
    return fmt::format(" --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --key-file '{}' ",
                       path("key"));
}

std::string VolumeFiles::luks(const std::string& name, const std::string& options) {
    const std::string path = file(name);
    cryptsetup(fmt::format("luksFormat {} {} '{}'", options, quick(), path));
    return path;
}

void VolumeFiles::cryptsetup(const std::string& arguments, const std::string& input) {
    tree_.write("input", input);
    const std::string command =
        fmt::format("PATH=$PATH:/sbin:/usr/sbin cryptsetup --disable-locks -q {} <'{}' >'{}' 2>&1",
                    arguments, path("input"), path("output"));
    // NOLINTNEXTLINE(bugprone-command-processor): a test's own command line
    ASSERT_EQ(std::system(command.c_str()), 0) << command << "\n"
                                               << contents(path("output"), 0, 4096);
}

std::string contents(const std::string& path, std::uint64_t offset, std::size_t bytes) {
    std::ifstream file(path, std::ios::binary);
    file.seekg(static_cast<std::streamoff>(offset));
    std::string data(bytes, '\0');
    file.read(data.data(), static_cast<std::streamsize>(bytes));
    data.resize(static_cast<std::size_t>(file.gcount()));
    return data;
}

void overwrite(const std::string& path, std::uint64_t offset, const std::string& bytes) {
    std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(static_cast<std::streamoff>(offset));
    file << bytes;
    ASSERT_TRUE(file.flush());
}

std::string hash_of_file(const std::string& path) {
    linux_os::Digest digest = linux_os::Digest::sha256();
    std::ifstream file(path, std::ios::binary);
    std::string piece(1U << 20, '\0');
    while (file.read(piece.data(), static_cast<std::streamsize>(piece.size())) ||
           file.gcount() > 0) {
        digest.add({piece.data(), static_cast<std::size_t>(file.gcount())});
    }
    return digest.bytes();
}

Result<std::optional<EncryptionHeader>> read_unchanged(const VolumePlace& place) {
    const Unchanged unchanged(place.path);
    return linux_os::LinuxEncryptionHeaders().read(place);
}

EncryptionHeader header_of(const std::string& path) {
    const Result<std::optional<EncryptionHeader>> header = read_unchanged({.path = path});
    EXPECT_TRUE(header) << header.error().describe();
    EXPECT_TRUE(header && *header) << "no header in " << path;
    return header && *header ? **header : EncryptionHeader();
}

Result<int> try_unchanged(const std::string& path, const std::string& key, KeyKind kind) {
    const Unchanged unchanged(path);
    return linux_os::LinuxEncryptionHeaders().try_key({.path = path}, kind,
                                                      Secret(std::string(key)));
}

Result<VolumeKey> unlock_unchanged(const std::string& path, const std::string& key, KeyKind kind) {
    const Unchanged unchanged(path);
    return linux_os::LinuxEncryptionHeaders().unlock({.path = path}, kind,
                                                     Secret(std::string(key)));
}

}  // namespace stillpoint::testing
