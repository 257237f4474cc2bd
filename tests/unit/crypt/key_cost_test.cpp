// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/crypt/key_cost.h"

#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/format.h"
#include "platform/linux/crypt/digest.h"
#include "platform/linux/crypt/luks2_layout.h"
#include "tests/unit/crypt/volume_files.h"

namespace stillpoint::testing {
namespace {

using linux_os::available_kib;
using linux_os::why_too_costly;
using ::testing::HasSubstr;

constexpr std::uint64_t kPlenty = 16U << 20;
constexpr std::uint64_t kGibibyte = 1U << 20;

TEST(KeyCost, LetsPassWhatCryptsetupChooses) {
    EXPECT_EQ("", why_too_costly({{"keyslot 0", 10'000'000, 0},
                                  {"keyslot 1", 4, kGibibyte},
                                  {"keyslot 2", 8, 4 * kGibibyte},
                                  {"digest 0", 1000, 0}},
                                 kPlenty));
}

TEST(KeyCost, NamesWhatIsTooMuch) {
    EXPECT_THAT(why_too_costly({{"keyslot 0", 1000, 0}, {"keyslot 3", 2147483647, 0}}, kPlenty),
                HasSubstr("keyslot 3 asks for 2147483647 rounds"));
    EXPECT_THAT(why_too_costly({{"keyslot 0", 2147483647, 32}}, kPlenty),
                HasSubstr("2147483647 passes over 32 KiB"));
    EXPECT_THAT(why_too_costly({{"keyslot 0", 1, 5 * kGibibyte}}, kPlenty), HasSubstr("passes"));
    EXPECT_THAT(why_too_costly({{"keyslot 0", 4, kGibibyte}}, kGibibyte / 2),
                HasSubstr("and 524288 KiB are free"));
}

TEST(KeyCost, CountsAllKeyslotsTogether) {
    std::vector<linux_os::KeyCost> costs(32, {"a keyslot", 10'000'000, 0});
    EXPECT_EQ("", why_too_costly(costs, kPlenty));
    costs.assign(5, {"a keyslot", 90'000'000, 0});
    EXPECT_THAT(why_too_costly(costs, kPlenty), HasSubstr("together ask for 450000000 rounds"));
    costs.assign(5, {"a keyslot", 32, kGibibyte});
    EXPECT_THAT(why_too_costly(costs, kPlenty), HasSubstr("passes over 167772160 KiB"));
}

TEST(KeyCost, ReadsWhatIsFree) {
    EXPECT_EQ(1234U, available_kib("MemTotal: 9 kB\nMemAvailable:    1234 kB\nBuffers: 1 kB\n"));
    EXPECT_EQ(std::numeric_limits<std::uint64_t>::max(), available_kib("MemTotal: 9 kB\n"));
    EXPECT_EQ(std::numeric_limits<std::uint64_t>::max(), available_kib("MemAvailable:"));
}

/// Puts `now` in place of `was` into both copies of a LUKS2 header; behind the JSON there is room.
void change_json(const std::string& volume, const std::string& was, const std::string& now) {
    constexpr std::uint64_t kCopyBytes = 16384;
    constexpr std::size_t kChecksumAt = 448;
    for (const std::uint64_t offset : {std::uint64_t{0}, kCopyBytes}) {
        std::string copy = contents(volume, offset, kCopyBytes);
        const std::size_t at = copy.find(was);
        ASSERT_NE(std::string::npos, at) << was;
        copy.replace(at, was.size(), now);
        copy.resize(kCopyBytes);
        copy.replace(kChecksumAt, 64, 64, '\0');
        const std::string digest = linux_os::sha256_text(copy);
        for (std::size_t i = 0; i < 32; ++i) {
            copy[kChecksumAt + i] =
                static_cast<char>(std::stoi(digest.substr(2 * i, 2), nullptr, 16));
        }
        overwrite(volume, offset, copy);
    }
}

class CostlyHeader : public ::testing::Test {
protected:
    void expect_refused(const std::string& volume, const std::string& why) {
        const Result<int> tried = try_unchanged(volume, VolumeFiles::kPassphrase);
        ASSERT_FALSE(tried);
        EXPECT_EQ(Code::encryption_unsupported, tried.error().code());
        EXPECT_THAT(tried.error().message(), HasSubstr(why));
    }

    VolumeFiles files_;
};

TEST_F(CostlyHeader, OfLuks2IsRefusedAndNotTried) {
    const std::string volume = files_.luks("volume", "--type luks2");
    change_json(volume, R"("iterations":1000,"salt")", R"("iterations":2147483647,"salt")");
    EXPECT_EQ(HeaderState::sound, header_of(volume).state);
    expect_refused(volume, "asks for 2147483647 rounds");
}

/// The library takes all of these: as 4294967295 rounds, or as the largest number it knows.
TEST_F(CostlyHeader, OfLuks2CannotHideBehindANumberThatIsNone) {
    constexpr const char* kKeyslot = R"("hash":"sha256","iterations":1000)";
    constexpr const char* kDigest = R"("segments":["0"],"hash":"sha256","iterations":1000)";
    int number = 0;
    for (const auto& [was, now] :
         {std::pair(kKeyslot, R"("hash":"sha256","iterations":-1)"),
          std::pair(kKeyslot, R"("hash":"sha256","iterations":99999999999999999999)"),
          std::pair(kDigest, R"("segments":["0"],"hash":"sha256","iterations":-1)"),
          std::pair(kDigest, R"("segments":["0"],"hash":"sha256","iterations":4e9)")}) {
        const std::string volume = files_.luks(fmt::format("volume{}", number++), "--type luks2");
        change_json(volume, was, now);
        EXPECT_EQ(HeaderState::sound, header_of(volume).state) << now << header_of(volume).problem;
        expect_refused(volume, "rounds, more than");
    }
}

TEST_F(CostlyHeader, OfLuks2WithAHugeKeyIsRefusedAndNotTried) {
    const std::string volume = files_.luks("volume", "--type luks2");
    change_json(volume, R"("key_size":64)", R"("key_size":2000000)");
    EXPECT_EQ(HeaderState::sound, header_of(volume).state) << header_of(volume).problem;
    expect_refused(volume, "keyslot 0 asks for a key of 2000000 bytes");
}

TEST_F(CostlyHeader, OfLuks2WhoseCipherIsNotHereIsNotSaidToRefuseTheKey) {
    const std::string volume = files_.luks("volume", "--type luks2");
    change_json(volume, R"("encryption":"aes-xts-plain64","key_size":64)",
                R"("encryption":"nonesuch-xts-plain64","key_size":64)");
    EXPECT_EQ(HeaderState::sound, header_of(volume).state) << header_of(volume).problem;
    expect_refused(volume, "nonesuch");
}

/// The library's parser is not strict: what it reads there is not what we would.
TEST_F(CostlyHeader, OfLuks2InJsonThatOnlyTheLibraryReadsIsNotTried) {
    const std::string volume = files_.luks("volume", "--type luks2");
    change_json(volume, R"({"keyslots")", R"({/**/"keyslots")");
    EXPECT_EQ(HeaderState::not_understood, header_of(volume).state) << header_of(volume).problem;
    expect_refused(volume, "in a way that this build does not read");
}

TEST_F(CostlyHeader, OfLuks2WithAnUnknownRequirementStaysSoWithOneCopyDamaged) {
    const std::string volume = files_.luks("volume", "--type luks2");
    change_json(volume, R"("config":{)", R"("config":{"requirements":{"mandatory":["teleport"]},)");
    constexpr std::uint64_t kJsonOfSecondCopy = 16384 + 4096;
    overwrite(volume, kJsonOfSecondCopy, "damage");
    const EncryptionHeader header = header_of(volume);
    EXPECT_EQ(HeaderState::not_understood, header.state);
    EXPECT_THAT(header.problem, HasSubstr("requires 'teleport'"));
    EXPECT_THAT(header.problem, HasSubstr("second copy"));
    expect_refused(volume, "requires 'teleport'");
}

TEST_F(CostlyHeader, OfLuks1IsRefusedAndNotTried) {
    const std::string volume = files_.luks("volume", "--type luks1");
    constexpr std::uint64_t kRoundsOfSlot0 = 212;
    overwrite(volume, kRoundsOfSlot0, "\x7f\xff\xff\xff");
    expect_refused(volume, "keyslot 0 asks for 2147483647 rounds");
}

}  // namespace
}  // namespace stillpoint::testing
