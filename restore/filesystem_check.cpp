// SPDX-License-Identifier: Apache-2.0
#include "restore/filesystem_check.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

#include "base/format.h"

namespace stillpoint {
namespace {

using namespace std::chrono_literals;

/// A large filesystem with many files takes long.
constexpr std::chrono::milliseconds kCheckLimit = 2h;

std::uint64_t little_endian(std::string_view bytes, std::size_t at, std::size_t width) {
    std::uint64_t value = 0;
    for (std::size_t index = width; index-- > 0;) {
        value = value << 8U | static_cast<unsigned char>(bytes[at + index]);
    }
    return value;
}

template <class Found>
void each_line(std::string_view text, Found found) {
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        found(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

std::string first_line(const ToolResult& result) {
    const std::string& text = result.output.empty() ? result.errors : result.output;
    return text.substr(0, text.find('\n'));
}

FilesystemFacts unknown(const Error& error) {
    return {FilesystemVerdict::unknown, error.sentence()};
}

/// What the journal alone decides; no value: the tool decides.
std::optional<FilesystemFacts> by_journal(JournalState state) {
    switch (state) {
        case JournalState::at_rest:
        case JournalState::unknown:
            return std::nullopt;
        case JournalState::holds_changes:
            return FilesystemFacts{FilesystemVerdict::needs_replay, "its journal holds changes"};
        case JournalState::has_errors:
            return FilesystemFacts{FilesystemVerdict::damaged,
                                   "its superblock says that the kernel found errors in it"};
    }
    return std::nullopt;
}

FilesystemFacts sound(std::string_view tool, bool has_orphans = false) {
    return {FilesystemVerdict::sound, fmt::format("'{}' found nothing to mend", tool), has_orphans};
}

FilesystemFacts damaged(std::string_view tool, const ToolResult& result, const std::string& what) {
    return {FilesystemVerdict::damaged,
            fmt::format("'{}' ended with {}: {}", tool, result.exit_code, what)};
}

FilesystemFacts check_ext(RestoreSystem& system, const std::string& path) {
    const Result<std::string> superblock = system.bytes_of(path, 1024, 1024);
    if (!superblock) {
        return unknown(superblock.error());
    }
    if (const auto decided = by_journal(ext_state(*superblock))) {
        return *decided;
    }
    const Result<ToolResult> result = system.run({"e2fsck", "-fn", path}, kCheckLimit);
    if (!result) {
        return unknown(result.error());
    }
    constexpr int kLeftAsTheyAre = 4;  // errors that were found. Source: e2fsck(8)
    const bool orphans = ext_has_orphans(*superblock);
    if (result->exit_code == 0) {
        return sound("e2fsck -fn", orphans);
    }
    std::string damage = first_line(*result);
    if (orphans && result->exit_code == kLeftAsTheyAre) {
        damage = ext_damage_beside_orphans(result->output);
        if (damage.empty()) {
            return sound("e2fsck -fn", true);
        }
    }
    return damaged("e2fsck -fn", *result, damage);
}

FilesystemFacts check_btrfs(RestoreSystem& system, const std::string& path) {
    const Result<std::string> superblock = system.bytes_of(path, 65536, 4096);
    if (!superblock) {
        return unknown(superblock.error());
    }
    if (const auto decided = by_journal(btrfs_state(*superblock))) {
        return *decided;
    }
    const Result<ToolResult> result =
        system.run({"btrfs", "check", "--readonly", path}, kCheckLimit);
    if (!result) {
        return unknown(result.error());
    }
    return result->exit_code == 0 ? sound("btrfs check")
                                  : damaged("btrfs check", *result, first_line(*result));
}

FilesystemFacts check_xfs(RestoreSystem& system, const std::string& path) {
    const Result<ToolResult> log = system.run({"xfs_logprint", "-t", path}, kCheckLimit);
    if (!log) {
        return unknown(log.error());
    }
    const JournalState state = xfs_log_state(log->output);
    if (state == JournalState::unknown) {
        return {FilesystemVerdict::unknown,
                fmt::format("what 'xfs_logprint -t' says of its log is not understood: {}",
                            first_line(*log))};
    }
    if (state != JournalState::at_rest) {
        return {FilesystemVerdict::needs_replay,
                "its log holds more than the record that a freeze leaves"};
    }
    const Result<ToolResult> repair = system.run({"xfs_repair", "-n", path}, kCheckLimit);
    if (!repair) {
        return unknown(repair.error());
    }
    const std::string printed = repair->output + repair->errors;
    const std::string damage = xfs_damage(printed);
    if (repair->exit_code > 1 || (repair->exit_code == 1 && !damage.empty())) {
        return damaged("xfs_repair -n", *repair, damage.empty() ? first_line(*repair) : damage);
    }
    return sound("xfs_repair -n", xfs_has_orphans(printed));
}

/// Puts "#" for each number.
std::string without_numbers(std::string_view line) {
    std::string text;
    for (const char each : line) {
        const bool digit = each >= '0' && each <= '9';
        if (!digit) {
            text += each;
        } else if (!text.ends_with('#')) {
            text += '#';
        }
    }
    return text;
}

bool has_only(std::string_view text, std::string_view letters) {
    return text.find_first_not_of(letters) == std::string_view::npos;
}

/// What e2fsck says of blocks and inodes that are taken but belong to no file: "-(8705--8900) -12".
/// With a plus they belong to a file and are free.
bool is_only_taken(std::string_view line, std::string_view start) {
    return line.starts_with(start) && has_only(line.substr(start.size()), "0123456789-() ");
}

/// The numbers after two words.
std::pair<std::uint64_t, std::uint64_t> counts_of(std::string_view line, std::string_view first,
                                                  std::string_view second) {
    const auto number_after = [&](std::string_view word) {
        std::uint64_t number = 0;
        const std::size_t at = line.find(word);
        if (at != std::string_view::npos) {
            const std::string_view rest = line.substr(at + word.size());
            (void)std::from_chars(rest.data(), rest.data() + rest.size(), number);
        }
        return number;
    };
    return {number_after(first), number_after(second)};
}

/// Seen of filesystems that the kernel froze with deleted files open; e2fsck 1.47.
bool is_of_ext_orphans(std::string_view line) {
    constexpr std::array kLines = {
        "Deleted inode # has zero dtime.  Fix? no",
        "Inodes that were part of a corrupted orphan linked list found.  Fix? no",
        "Inode # was part of the orphaned inode list.  IGNORED.",
        "Orphan file (inode #) block # is not clean.",
        "Failed to initialize orphan file.",
        "Fix? no",
        "Clear? no",
        "Recreate? no",
        ""};
    const std::string text = without_numbers(line);
    if (std::ranges::find(kLines, text) != kLines.end() || text.starts_with("Pass #: ") ||
        is_only_taken(line, "Block bitmap differences: ") ||
        is_only_taken(line, "Inode bitmap differences: ") ||
        line.ends_with(": ********** WARNING: Filesystem still has errors **********") ||
        text.ends_with(" files (#.#% non-contiguous), #/# blocks")) {
        return true;
    }
    if (text.starts_with("Extended attribute block # has reference count #, should be #.")) {
        const auto [stands, right] = counts_of(line, "count ", "should be ");
        return stands > right;
    }
    if (text.starts_with("Directories count wrong for group # (#, counted=#).")) {
        const auto [stands, right] = counts_of(line, "(", "counted=");
        return stands > right;
    }
    return false;
}

}  // namespace

JournalState ext_state(std::string_view superblock) {
    constexpr std::size_t kMagicAt = 56;
    constexpr std::size_t kStateAt = 58;
    constexpr std::size_t kIncompatibleAt = 96;
    constexpr std::uint64_t kMagic = 0xEF53;
    constexpr std::uint64_t kErrors = 2;
    constexpr std::uint64_t kNeedsRecovery = 4;
    if (superblock.size() < 1024 || little_endian(superblock, kMagicAt, 2) != kMagic) {
        return JournalState::unknown;
    }
    if ((little_endian(superblock, kIncompatibleAt, 4) & kNeedsRecovery) != 0) {
        return JournalState::holds_changes;
    }
    return (little_endian(superblock, kStateAt, 2) & kErrors) != 0 ? JournalState::has_errors
                                                                   : JournalState::at_rest;
}

bool ext_has_orphans(std::string_view superblock) {
    constexpr std::size_t kReadOnlyCompatibleAt = 100;
    constexpr std::size_t kLastOrphanAt = 232;
    constexpr std::uint64_t kOrphanPresent = 0x10000;
    return superblock.size() >= 1024 &&
           (little_endian(superblock, kLastOrphanAt, 4) != 0 ||
            (little_endian(superblock, kReadOnlyCompatibleAt, 4) & kOrphanPresent) != 0);
}

std::string ext_damage_beside_orphans(std::string_view printed) {
    std::string damage;
    each_line(printed, [&](std::string_view line) {
        if (damage.empty() && !is_of_ext_orphans(line)) {
            damage = line;
        }
    });
    return damage;
}

JournalState btrfs_state(std::string_view superblock) {
    constexpr std::size_t kMagicAt = 64;
    constexpr std::size_t kLogRootAt = 96;
    constexpr std::string_view kMagic = "_BHRfS_M";
    if (superblock.size() < 4096 || superblock.substr(kMagicAt, kMagic.size()) != kMagic) {
        return JournalState::unknown;
    }
    return little_endian(superblock, kLogRootAt, 8) != 0 ? JournalState::holds_changes
                                                         : JournalState::at_rest;
}

JournalState xfs_log_state(std::string_view printed) {
    constexpr std::string_view kItems = "#items:";
    bool understood = false;
    std::size_t transactions = 0;
    std::uint64_t items = 0;  // of the last transaction
    bool superblock = false;  // in it
    each_line(printed, [&](std::string_view line) {
        understood = understood || line.find("log tail:") != std::string_view::npos;
        superblock = superblock || line.find("SUPER Block Buffer") != std::string_view::npos;
        const std::size_t at = line.find(kItems);
        if (line.starts_with("TRANS:") && at != std::string_view::npos) {
            ++transactions;
            superblock = false;
            items = 0;
            const std::string_view number = line.substr(at + kItems.size());
            (void)std::from_chars(number.data(), number.data() + number.size(), items);
        }
    });
    if (!understood) {
        return JournalState::unknown;
    }
    // The record of a buffer is its head and its one region. Under load the transaction before the
    // freeze's own may still stand in the log, though it was written back.
    const bool freezes_own = transactions <= 2 && superblock && items <= 2;
    return transactions == 0 || freezes_own ? JournalState::at_rest : JournalState::holds_changes;
}

bool xfs_has_orphans(std::string_view printed) {
    return printed.find("agi unlinked bucket ") != std::string_view::npos;
}

std::string xfs_damage(std::string_view printed) {
    constexpr std::string_view kReset = "would have reset inode ";
    // Without a name and with no link, they are the ones in the list of the deleted.
    std::set<std::string_view> unlinked;
    const auto number_after = [](std::string_view line, std::string_view start) {
        const std::string_view rest = line.substr(start.size());
        return rest.substr(0, rest.find_first_not_of("0123456789"));
    };
    if (xfs_has_orphans(printed)) {
        each_line(printed, [&](std::string_view line) {
            if (line.starts_with(kReset) &&
                line.find(" nlinks from 0 to ") != std::string_view::npos) {
                unlinked.insert(number_after(line, kReset));
            }
        });
    }
    std::string damage;
    each_line(printed, [&](std::string_view line) {
        for (const std::string_view start : {std::string_view("disconnected inode "),
                                             std::string_view("disconnected dir inode "), kReset}) {
            if (line.starts_with(start) && unlinked.contains(number_after(line, start))) {
                return;
            }
        }
        const auto says = [&](std::string_view word) {
            return line.find(word) != std::string_view::npos;
        };
        if (damage.empty() && (says("would ") || says("bad ") || says("corrupt") ||
                               says("Corrupt") || says("fatal error"))) {
            damage = line;
        }
    });
    return damage;
}

FilesystemFacts check_filesystem(RestoreSystem& system, const RestoreDevice& device) {
    const std::string& type = device.content.type;
    if (type == "ext2" || type == "ext3" || type == "ext4") {
        return check_ext(system, device.path);
    }
    if (type == "xfs") {
        return check_xfs(system, device.path);
    }
    if (type == "btrfs") {
        return check_btrfs(system, device.path);
    }
    return {FilesystemVerdict::unknown, type.empty()
                                            ? "no filesystem is recognised on it"
                                            : fmt::format("no check of '{}' is known here", type)};
}

}  // namespace stillpoint
