// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/format.h"
#include "inspect/bytes.h"
#include "inspect/filesystem_state/ext_journal.h"
#include "inspect/filesystem_state/filesystem_state.h"

namespace stillpoint {
namespace {

// Offsets and bits: Linux, Documentation/filesystems/ext4/super.rst.
constexpr std::uint64_t kSuperblock = 1024;
constexpr std::size_t kSuperblockSize = 1024;
constexpr std::size_t kChecksumAt = 0x3FC;
constexpr unsigned kValid = 1;
constexpr unsigned kErrors = 2;
constexpr unsigned kHasJournal = 0x4;           // compatible
constexpr unsigned kRecover = 0x4;              // incompatible
constexpr unsigned k64Bit = 0x80;               // incompatible
constexpr unsigned kJournalDevice = 0x8;        // incompatible
constexpr unsigned kMetadataChecksums = 0x400;  // read-only compatible
// What ext3 knows; with anything else it is ext4's.
constexpr unsigned kExt3Incompatible = 0x2 | 0x4 | 0x10;
constexpr unsigned kExt3ReadOnly = 0x1 | 0x2 | 0x4;

std::string type_of(unsigned compatible, unsigned incompatible, unsigned read_only) {
    if ((incompatible & ~kExt3Incompatible) != 0 || (read_only & ~kExt3ReadOnly) != 0) {
        return "ext4";
    }
    return (compatible & kHasJournal) != 0 ? "ext3" : "ext2";
}

std::string yes_or_no(bool yes) {
    return yes ? "yes" : "no";
}

struct Marks {
    unsigned state = 0;
    std::uint32_t error_count = 0;
    bool has_journal = false;
    bool needs_recovery = false;
    bool journal_elsewhere = false;
};

void judge(FilesystemState& state, const Marks& marks, const std::optional<ExtJournal>& journal) {
    if ((marks.state & kErrors) != 0 || marks.error_count != 0) {
        state.verdict = FilesystemVerdict::errors;
        state.sentence = "it is marked as having errors: it must be checked";
    } else if (journal && journal->error != 0) {
        state.verdict = FilesystemVerdict::errors;
        state.sentence = fmt::format("its journal was aborted, error {}", journal->error);
    } else if (marks.needs_recovery) {
        state.verdict = FilesystemVerdict::needs_replay;
        state.sentence = "its journal needs recovery";
    } else if (journal && journal->start != 0) {
        state.verdict = FilesystemVerdict::needs_replay;
        state.sentence = "its journal is not empty, though it is marked to need no recovery";
    } else if (marks.has_journal && (marks.state & kValid) == 0) {
        // The mark of an unmount stays on a journalled filesystem while it is mounted.
        state.verdict = FilesystemVerdict::errors;
        state.sentence = "it is marked as not cleanly unmounted in spite of its journal";
    } else if (marks.journal_elsewhere) {
        state.verdict = FilesystemVerdict::not_told;
        state.sentence = "its journal is on another device, which is not looked at";
    } else if (marks.has_journal) {
        state.verdict = FilesystemVerdict::clean;
        state.sentence = "its journal needs no recovery";
    } else if ((marks.state & kValid) != 0) {
        state.verdict = FilesystemVerdict::clean;
        state.sentence = "it is marked as cleanly unmounted";
    } else {
        state.verdict = FilesystemVerdict::was_mounted;
        state.sentence =
            "it was mounted, and without a journal it cannot tell whether it was still";
    }
}

}  // namespace

Result<FilesystemState> ext_state(const ByteSource& volume) {
    const Result<std::string> read = volume.read(kSuperblock, kSuperblockSize);
    if (!read) {
        return read.error();
    }
    const std::string& super = *read;
    const unsigned compatible = le32(super, 0x5C);
    const unsigned incompatible = le32(super, 0x60);
    const unsigned read_only = le32(super, 0x64);
    const Marks marks{
        .state = le16(super, 0x3A),
        .error_count = le32(super, 0x194),
        .has_journal = (compatible & kHasJournal) != 0,
        .needs_recovery = (incompatible & kRecover) != 0,
        .journal_elsewhere = (compatible & kHasJournal) != 0 && le32(super, 0xE0) == 0};
    const std::uint32_t orphan = le32(super, 0xE8);

    FilesystemState state;
    state.type = type_of(compatible, incompatible, read_only);
    state.uuid = uuid_text(super, 0x68);
    state.label = padded_text(super, 0x78, 16);
    const unsigned block_log = le32(super, 0x18);
    const std::uint64_t high = (incompatible & k64Bit) != 0 ? le32(super, 0x150) : 0;
    state.size_bytes =
        saturated_product(high << 32U | le32(super, 0x4), 1024ULL << std::min(block_log, 6U));
    state.facts = {{"has_journal", yes_or_no(marks.has_journal)},
                   {"needs_recovery", yes_or_no(marks.needs_recovery)},
                   {"state", (marks.state & kErrors) != 0  ? "with errors"
                             : (marks.state & kValid) != 0 ? "clean"
                                                           : "not clean"},
                   {"error_count", std::to_string(marks.error_count)},
                   {"first_orphan_inode", std::to_string(orphan)}};
    if ((incompatible & kJournalDevice) != 0) {
        state.verdict = FilesystemVerdict::not_told;
        state.sentence = "it is the journal of a filesystem on another device";
        return state;
    }
    if ((read_only & kMetadataChecksums) != 0 &&
        le32(super, kChecksumAt) != crc32c(~0U, std::string_view(super).substr(0, kChecksumAt))) {
        state.verdict = FilesystemVerdict::errors;
        state.sentence = "the checksum of its superblock is wrong";
        return state;
    }
    judge(state, marks,
          marks.has_journal && !marks.journal_elsewhere
              ? ext_journal(volume, super, 1024ULL << std::min(block_log, 6U))
              : std::nullopt);
    return state;
}

}  // namespace stillpoint
