// SPDX-License-Identifier: Apache-2.0
#include "inspect/image_form.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/fakes/byte_text.h"
#include "tests/unit/inspect/disk_bytes.h"

namespace stillpoint {
namespace {

using namespace std::string_literals;
using testing::ByteText;
using ::testing::HasSubstr;
using testing::vhd_footer;

constexpr std::uint64_t kDisk = 64U << 10U;

Result<ImageForm> form_of(std::string bytes) {
    return image_form_of(ByteText(std::move(bytes)));
}

TEST(ImageForm, IsRawWithoutASignOfAnotherOne) {
    const auto form = form_of(std::string(kDisk, 'x'));
    ASSERT_TRUE(form);
    EXPECT_EQ(form->kind, ImageForm::Kind::raw);
    EXPECT_EQ(form->disk_bytes, kDisk);
}

TEST(ImageForm, AFixedVhdIsTheDiskWithoutItsFooter) {
    const auto form = form_of(std::string(kDisk, 'x') + vhd_footer(2, kDisk));
    ASSERT_TRUE(form);
    EXPECT_EQ(form->kind, ImageForm::Kind::fixed_vhd);
    EXPECT_EQ(form->disk_bytes, kDisk);
    EXPECT_EQ(form->problem, "");
}

TEST(ImageForm, ADamagedFooterIsSeen) {
    std::string footer = vhd_footer(2, kDisk);
    footer[100] = '!';
    const auto form = form_of(std::string(kDisk, 'x') + footer);
    ASSERT_TRUE(form);
    EXPECT_THAT(form->problem, HasSubstr("checksum"));
}

TEST(ImageForm, AFooterOfAnotherSizeIsSeen) {
    const auto form = form_of(std::string(kDisk, 'x') + vhd_footer(2, 2 * kDisk));
    ASSERT_TRUE(form);
    EXPECT_THAT(form->problem, HasSubstr("131072 bytes, there are 65536"));
}

TEST(ImageForm, OthersAreNamedAndRefused) {
    const std::vector<std::pair<std::string, std::string>> foreign = {
        {vhd_footer(3, kDisk), "dynamic VHD"},
        {vhd_footer(4, kDisk), "differencing VHD"},
        {"vhdxfile", "VHDX"},
        {"QFI\xFB\0\0\0\3"s, "qcow2"},
        {"KDMV", "VMDK"},
        {"# Disk DescriptorFile\nversion=1\n", "VMDK"},
    };
    for (const auto& [beginning, name] : foreign) {
        const auto form = form_of(beginning + std::string(kDisk, '\0'));
        ASSERT_FALSE(form) << name;
        EXPECT_EQ(form.error().code(), Code::image_unsupported);
        EXPECT_THAT(form.error().message(), HasSubstr(name));
    }
    // Its copy at the beginning may be gone.
    const auto form = form_of(std::string(kDisk, '\0') + vhd_footer(3, kDisk));
    ASSERT_FALSE(form);
    EXPECT_EQ(form.error().code(), Code::image_unsupported);
}

TEST(ImageForm, AFewBytesAreNoDisk) {
    const auto form = form_of("conectix");
    ASSERT_FALSE(form);
    EXPECT_EQ(form.error().code(), Code::volume_unreadable);
}

}  // namespace
}  // namespace stillpoint
