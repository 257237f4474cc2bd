// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "platform/linux/crypt/linux_encryption_headers.h"
#include "tests/unit/crypt/volume_files.h"

namespace stillpoint::testing {
namespace {

constexpr char kMask = 0x5a;
constexpr std::uint64_t kLargestRegion = 1ULL << 30;  // the sanitizer's own are far larger

constexpr std::size_t kPieceBytes = 1U << 20;

/// A pattern that is in memory only masked, so that a search cannot find itself.
using Masked = std::string;

Masked masked(std::string_view text) {
    Masked result(text);
    for (char& each : result) {
        each = static_cast<char>(each ^ kMask);
    }
    return result;
}

/// The content of a file, of which no byte is in memory longer than it takes to mask it.
Masked masked_file(const std::string& path) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    Masked result;
    for (char each = 0; ::read(file, &each, 1) == 1; each = 0) {
        result.push_back(static_cast<char>(each ^ kMask));
    }
    ::close(file);
    return result;
}

bool is_at(const char* place, const Masked& wanted) {
    for (std::size_t at = 0; at < wanted.size(); ++at) {
        if ((place[at] ^ kMask) != wanted[at]) {
            return false;
        }
    }
    return true;
}

int places_in(const std::string& region, const Masked& wanted) {
    if (region.size() < wanted.size()) {
        return 0;
    }
    int found = 0;
    const char* at = region.data();
    const char* const last = region.data() + region.size() - wanted.size();
    const char first = static_cast<char>(wanted[0] ^ kMask);
    while (at <= last) {
        const void* next = std::memchr(at, first, static_cast<std::size_t>(last - at) + 1);
        if (next == nullptr) {
            break;
        }
        at = static_cast<const char*>(next);
        found += is_at(at, wanted) ? 1 : 0;
        ++at;
    }
    return found;
}

/// How often it stands in what this process may write to: heap, stacks and the freed memory that
/// the sanitizer holds back.
int places_of(const Masked& wanted) {
    std::ifstream maps("/proc/self/maps");
    std::stringstream copy;
    copy << maps.rdbuf();
    const int memory = ::open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    int found = 0;
    std::string piece(kPieceBytes, '\0');
    std::string line;
    while (std::getline(copy, line)) {
        std::uint64_t begin = 0;
        std::uint64_t end = 0;
        char access[5] = {};
        if (std::sscanf(line.c_str(), "%lx-%lx %4s", &begin, &end, access) != 3 ||
            std::string_view(access).substr(0, 2) != "rw" || end - begin > kLargestRegion) {
            continue;
        }
        // Pieces overlap, so that nothing is missed at a border.
        for (; begin < end; begin += kPieceBytes - wanted.size()) {
            piece.resize(std::min<std::uint64_t>(kPieceBytes, end - begin));
            const ssize_t bytes =
                ::pread(memory, piece.data(), piece.size(), static_cast<off_t>(begin));
            piece.resize(bytes > 0 ? static_cast<std::size_t>(bytes) : 0);
            found += places_in(piece, wanted);
            if (piece.size() < kPieceBytes) {
                break;
            }
        }
    }
    wipe(piece);  // or the next search finds this one's copy
    ::close(memory);
    return found;
}

/// As the product does it: straight into what wipes it.
Secret secret_file(const std::string& path, std::size_t bytes) {
    std::string text(bytes, '\0');
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    EXPECT_EQ(static_cast<ssize_t>(bytes), ::read(file, text.data(), bytes));
    ::close(file);
    return Secret(std::move(text));
}

class KeyMemory : public ::testing::TestWithParam<std::string> {
protected:
    KeyMemory() {
        // Made by another process, so that it never was in the memory of this one.
        const std::string command =
            "head -c 96 /dev/urandom | base64 -w 0 | head -c 127 | tr -d '\\n' >'" + key_file() +
            "'";
        EXPECT_EQ(0, std::system(command.c_str()));
        files_.file("volume");
        files_.cryptsetup("luksFormat --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --type " +
                          GetParam() + " '" + files_.path("volume") + "' '" + key_file() + "'");
    }

    std::string key_file() const { return files_.path("secret"); }

    VolumeFiles files_;
};

TEST_P(KeyMemory, HoldsNothingOfAKeyThatHasBeenUsed) {
    const linux_os::LinuxEncryptionHeaders headers;
    const VolumePlace place{.path = files_.path("volume")};
    const Masked key = masked_file(key_file());
    ASSERT_EQ(127U, key.size());
    ASSERT_EQ(0, places_of(key)) << "the search is blind, or the test itself leaves it behind";

    Masked volume_key;
    {
        const Secret secret = secret_file(key_file(), key.size());
        ASSERT_LE(1, places_of(key)) << "the search finds nothing";
        ASSERT_TRUE(headers.try_key(place, KeyKind::passphrase, secret));
        const Result<VolumeKey> unlocked = headers.unlock(place, KeyKind::passphrase, secret);
        ASSERT_TRUE(unlocked);
        volume_key = masked(unlocked->key.reveal());
        ASSERT_LE(1, places_of(volume_key));
    }

    EXPECT_EQ(0, places_of(key));
    EXPECT_EQ(0, places_of(volume_key));
}

TEST_P(KeyMemory, HoldsNothingOfAKeyThatDoesNotFit) {
    const linux_os::LinuxEncryptionHeaders headers;
    const Masked key = masked_file(key_file());
    files_.luks("other", "--type " + GetParam());  // with another key
    {
        const Secret secret = secret_file(key_file(), key.size());
        const Result<int> tried =
            headers.try_key({.path = files_.path("other")}, KeyKind::passphrase, secret);
        ASSERT_FALSE(tried);
        ASSERT_EQ(Code::key_mismatch, tried.error().code());
    }
    EXPECT_EQ(0, places_of(key));
}

INSTANTIATE_TEST_SUITE_P(Formats, KeyMemory, ::testing::Values("luks1", "luks2"),
                         [](const auto& format) { return format.param; });

}  // namespace
}  // namespace stillpoint::testing
