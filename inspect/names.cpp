// SPDX-License-Identifier: Apache-2.0
#include "inspect/names.h"

#include <algorithm>
#include <array>
#include <utility>

namespace stillpoint {

std::string_view name_of(FilesystemVerdict verdict) {
    switch (verdict) {
        case FilesystemVerdict::clean:
            return "clean";
        case FilesystemVerdict::still:
            return "still";
        case FilesystemVerdict::was_mounted:
            return "was mounted";
        case FilesystemVerdict::no_replay:
            return "nothing to replay";
        case FilesystemVerdict::not_told:
            return "not told";
        case FilesystemVerdict::needs_replay:
            return "needs replay";
        case FilesystemVerdict::errors:
            return "errors";
        case FilesystemVerdict::unreadable:
            return "unreadable";
    }
    return "unknown";
}

std::string_view name_of(ContentKind kind) {
    switch (kind) {
        case ContentKind::nothing_recognised:
            return "nothing recognised";
        case ContentKind::filesystem:
            return "filesystem";
        case ContentKind::lvm_member:
            return "LVM physical volume";
        case ContentKind::raid_member:
            return "RAID member";
        case ContentKind::swap:
            return "swap";
        case ContentKind::other:
            return "other";
    }
    return "unknown";
}

std::string_view word_of(EncryptionFormat format) {
    switch (format) {
        case EncryptionFormat::luks1:
            return "luks1";
        case EncryptionFormat::luks2:
            return "luks2";
        case EncryptionFormat::bitlk:
            return "bitlk";
        case EncryptionFormat::integrity:
            return "integrity";
        case EncryptionFormat::plain:
            return "plain";
    }
    return "unknown";
}

std::string_view word_of(HeaderState state) {
    switch (state) {
        case HeaderState::sound:
            return "sound";
        case HeaderState::one_copy_damaged:
            return "one copy damaged";
        case HeaderState::damaged:
            return "damaged";
        case HeaderState::not_understood:
            return "not understood";
    }
    return "unknown";
}

std::string_view name_of(ImageForm::Kind kind) {
    return kind == ImageForm::Kind::fixed_vhd ? "fixed VHD" : "raw";
}

std::string_view partition_type_name(std::string_view type) {
    // UEFI and systemd's "Discoverable Partitions Specification"; Microsoft, "PARTITION_INFORMATION
    // _GPT"; MBR: the common ones.
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 19> kNames = {{
        {"c12a7328-f81f-11d2-ba4b-00a0c93ec93b", "EFI system"},
        {"21686148-6449-6e6f-744e-656564454649", "BIOS boot"},
        {"0fc63daf-8483-4772-8e79-3d69d8477de4", "Linux filesystem"},
        {"4f68bce3-e8cd-4db1-96e7-fbcaf984b709", "Linux root"},
        {"b921b045-1df0-41c3-af44-4c6f280d3fae", "Linux root"},
        {"bc13c2ff-59e6-4262-a352-b275fd6f7172", "Linux extended boot"},
        {"e6d6d379-f507-44c2-a23c-238f2a3df928", "Linux LVM"},
        {"a19d880f-05fc-4d3b-a006-743f0f84911e", "Linux RAID"},
        {"0657fd6d-a4ab-43c4-84e5-0933c84b4f4f", "Linux swap"},
        {"ca7d7ccb-63ed-4c53-861c-1742536059cc", "LUKS"},
        {"ebd0a0a2-b9e5-4433-87c0-68b6b72699c7", "Microsoft basic data"},
        {"e3c9e316-0b5c-4db8-817d-f92df00215ae", "Microsoft reserved"},
        {"de94bba4-06d1-4d40-a16a-bfd50179d6ac", "Windows recovery"},
        {"0x07", "NTFS or exFAT"},
        {"0x0c", "FAT32"},
        {"0x82", "Linux swap"},
        {"0x83", "Linux"},
        {"0x8e", "Linux LVM"},
        {"0xfd", "Linux RAID"},
    }};
    const auto* const found =
        std::ranges::find(kNames, type, [](const auto& one) { return one.first; });
    return found == kNames.end() ? "" : found->second;
}

}  // namespace stillpoint
