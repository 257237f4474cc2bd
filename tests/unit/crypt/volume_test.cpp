// SPDX-License-Identifier: Apache-2.0
// What is no header, and what cannot be read.
#include <cerrno>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "platform/linux/crypt/linux_encryption_headers.h"
#include "tests/unit/crypt/volume_files.h"

namespace stillpoint::testing {
namespace {

const linux_os::LinuxEncryptionHeaders headers;

TEST(Volume, WithoutAHeaderIsNoError) {
    VolumeFiles files;
    for (const std::uint64_t bytes : {0ULL, 1ULL, 511ULL, 4096ULL, 32ULL << 20}) {
        const auto header = read_unchanged({.path = files.file("empty", bytes)});
        ASSERT_TRUE(header) << header.error().describe();
        EXPECT_FALSE(*header);
    }
}

TEST(Volume, OfManyTerabytesCostsNothing) {
    VolumeFiles files;
    const std::string volume = files.luks("volume", "--type luks2");
    boost::filesystem::resize_file(volume, 14ULL << 40);
    const auto header = headers.read({.path = volume});
    ASSERT_TRUE(header && *header);
    EXPECT_EQ((*header)->state, HeaderState::sound) << (*header)->problem;
}

TEST(Volume, ThatIsNotThereSaysWhy) {
    const auto header = headers.read({.path = "/nonexistent/volume"});
    ASSERT_FALSE(header);
    EXPECT_EQ(header.error().code(), Code::volume_unreadable);
    EXPECT_EQ(header.error().os()->number, ENOENT);
}

TEST(Volume, OutsideOfItsDiskSaysSo) {
    VolumeFiles files;
    const std::string disk = files.file("disk", 4096);
    for (const VolumePlace& place : {VolumePlace{disk, 8192, 0}, VolumePlace{disk, 1024, 4096}}) {
        const auto header = read_unchanged(place);
        ASSERT_FALSE(header);
        EXPECT_EQ(header.error().code(), Code::volume_unreadable);
        EXPECT_NE(header.error().message().find("4096"), std::string::npos);
    }
}

TEST(Volume, ThatIsAPipeOrAFolderIsRefusedAtOnce) {
    VolumeFiles files;
    ASSERT_EQ(::mkfifo(files.path("pipe").c_str(), 0600), 0);
    for (const std::string& path :
         {files.path("pipe"), files.tree().root(), std::string("/dev/null")}) {
        const auto header = headers.read({.path = path});
        ASSERT_FALSE(header);
        EXPECT_EQ(header.error().code(), Code::volume_unreadable);
    }
}

TEST(Volume, WithIntegrityAloneIsTold) {
    VolumeFiles files;
    const std::string volume = files.file("volume");
    overwrite(volume, 0, std::string("integrt\0\x04", 9));
    overwrite(volume, 28, "\x03");
    EncryptionHeader header = header_of(volume);
    EXPECT_EQ(header.format, EncryptionFormat::integrity);
    EXPECT_EQ(header.state, HeaderState::sound);
    EXPECT_EQ(header.sector_bytes, 4096);
    overwrite(volume, 8, "\x63");
    EXPECT_EQ(header_of(volume).state, HeaderState::not_understood);
    const Result<int> opened = try_unchanged(volume, "key");
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code(), Code::encryption_unsupported);
}

}  // namespace
}  // namespace stillpoint::testing
