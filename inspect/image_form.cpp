// SPDX-License-Identifier: Apache-2.0
#include "inspect/image_form.h"

#include <array>
#include <string_view>

#include "base/format.h"
#include "inspect/bytes.h"

namespace stillpoint {
namespace {

using namespace std::string_view_literals;

// Microsoft, "Virtual Hard Disk Image Format Specification" 1.0: the last 512 bytes.
constexpr std::size_t kFooterSize = 512;
constexpr std::string_view kCookie = "conectix";
constexpr std::uint32_t kFixed = 2;
constexpr std::uint32_t kDynamic = 3;
constexpr std::uint32_t kDifferencing = 4;

struct Magic {
    std::string_view bytes;
    std::string_view name;
};

constexpr std::array kForeign = {
    Magic{"vhdxfile"sv, "VHDX"},
    Magic{"QFI\xFB"sv, "qcow2"},
    Magic{"KDMV"sv, "VMDK"},
    Magic{"COWD"sv, "VMDK"},
    Magic{"# Disk DescriptorFile"sv, "VMDK"},
};

Error unsupported(std::string_view name) {
    return fail(Code::image_unsupported,
                fmt::format("the image is of the form {}; make a raw one of it first (for example "
                            "with 'qemu-img convert -O raw')",
                            name));
}

std::string_view name_of_type(std::uint32_t type) {
    return type == kDynamic        ? "dynamic VHD"
           : type == kDifferencing ? "differencing VHD"
                                   : "VHD of an unknown type";
}

bool checksum_is_right(std::string_view footer) {
    std::uint32_t sum = 0;
    for (std::size_t at = 0; at < footer.size(); ++at) {
        if (at < 64 || at >= 68) {  // the sum itself
            sum += static_cast<unsigned char>(footer[at]);
        }
    }
    return be32(footer, 64) == ~sum;
}

Result<ImageForm> fixed_vhd(std::string_view footer, std::uint64_t image_bytes) {
    const std::uint32_t type = be32(footer, 60);
    if (type != kFixed) {
        return unsupported(name_of_type(type));
    }
    ImageForm form{.kind = ImageForm::Kind::fixed_vhd,
                   .disk_bytes = image_bytes - kFooterSize,
                   .problem = {},
                   .uuid = uuid_text(footer, 68)};
    const std::uint64_t named = be64(footer, 48);
    if (!checksum_is_right(footer)) {
        form.problem = "the checksum of the VHD's footer is wrong";
    } else if (named != form.disk_bytes) {
        form.problem = fmt::format("the VHD's footer speaks of {} bytes, there are {}", named,
                                   form.disk_bytes);
    }
    return form;
}

}  // namespace

Result<ImageForm> image_form_of(const ByteSource& image) {
    if (image.size() < kFooterSize) {
        return fail(Code::volume_unreadable,
                    fmt::format("{} bytes are no image of a disk", image.size()));
    }
    const Result<std::string> beginning = image.read(0, kFooterSize);
    if (!beginning) {
        return beginning.error();
    }
    for (const Magic& magic : kForeign) {
        if (beginning->starts_with(magic.bytes)) {
            return unsupported(magic.name);
        }
    }
    if (beginning->starts_with(kCookie)) {  // those that are not fixed begin with a copy
        return unsupported(name_of_type(be32(*beginning, 60)));
    }
    const Result<std::string> footer = image.read(image.size() - kFooterSize, kFooterSize);
    if (!footer) {
        return footer.error();
    }
    if (footer->starts_with(kCookie)) {
        return fixed_vhd(*footer, image.size());
    }
    return ImageForm{
        .kind = ImageForm::Kind::raw, .disk_bytes = image.size(), .problem = {}, .uuid = {}};
}

}  // namespace stillpoint
