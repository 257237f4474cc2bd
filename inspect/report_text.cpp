// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <map>

#include "base/format.h"
#include "inspect/names.h"
#include "inspect/report.h"

namespace stillpoint {
namespace {

/// Names from the disk, and sentences with such names, cannot move the cursor of whoever reads
/// this, nor begin a line of their own, nor turn the reading direction. JSON escapes by itself.
std::string printable(std::string_view text) {
    // In UTF-8, the last byte as a range: control characters of Latin-1; marks and embeddings of
    // direction. Source: Unicode Standard Annex 9.
    struct Range {
        std::string_view lead;
        unsigned char first;
        unsigned char last;
    };
    constexpr std::array kHidden = {Range{"\xC2", 0x80, 0x9F}, Range{"\xD8", 0x9C, 0x9C},
                                    Range{"\xE2\x80", 0x8E, 0x8F}, Range{"\xE2\x80", 0xA8, 0xAE},
                                    Range{"\xE2\x81", 0xA6, 0xA9}};
    std::string safe;
    while (!text.empty()) {
        const auto hidden = std::ranges::find_if(kHidden, [&](const Range& range) {
            const std::size_t at = range.lead.size();
            return text.starts_with(range.lead) && text.size() > at &&
                   static_cast<unsigned char>(text[at]) >= range.first &&
                   static_cast<unsigned char>(text[at]) <= range.last;
        });
        const auto one = static_cast<unsigned char>(text.front());
        const bool control = one < 0x20 || one == 0x7F;
        safe += control || hidden != kHidden.end() ? '?' : text.front();
        text.remove_prefix(hidden != kHidden.end() ? hidden->lead.size() + 1 : 1);
    }
    return safe;
}

std::string size_text(std::uint64_t bytes) {
    if (bytes < (1U << 20U)) {
        return fmt::format("{} KiB", bytes >> 10U);
    }
    if (bytes < (10ULL << 30U)) {
        return fmt::format("{} MiB", bytes >> 20U);
    }
    return fmt::format("{} GiB", bytes >> 30U);
}

std::string heading(const VolumeReport& volume) {
    const Partition& partition = volume.partition;
    if (partition.number == 0) {
        return fmt::format("the whole, {}\n", size_text(partition.size_bytes));
    }
    const std::string_view type = partition_type_name(partition.type);
    std::string text = fmt::format(
        "partition {}: {} at {}, {}", partition.number, size_text(partition.size_bytes),
        size_text(partition.offset_bytes), type.empty() ? std::string_view(partition.type) : type);
    if (!partition.name.empty()) {
        text += fmt::format(", '{}'", printable(partition.name));
    }
    return text + "\n";
}

std::string counted(const std::map<std::string, int>& counts) {
    std::string text;
    for (const auto& [kind, count] : counts) {
        text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, printable(kind));
    }
    return text.empty() ? "none" : text;
}

std::string header_text(const VolumeReport& volume) {
    const EncryptionHeader& header = *volume.encryption;
    std::map<std::string, int> keyslots;
    std::map<std::string, int> tokens;
    for (const Keyslot& slot : header.keyslots) {
        ++keyslots[slot.kind + (slot.bound ? "" : " (unbound)")];
    }
    for (const KeyToken& token : header.tokens) {
        ++tokens[token.type];
    }
    std::string text = fmt::format(
        "  {}{}, {}: {}, {} bits, sectors of {} bytes, UUID {}\n", word_of(header.format),
        volume.detached_header ? ", header in a file of its own" : "", word_of(header.state),
        header.cipher.empty() ? "cipher unknown" : printable(header.cipher), header.key_bits,
        header.sector_bytes, header.uuid.empty() ? "none" : printable(header.uuid));
    text += fmt::format("    keyslots: {}", counted(keyslots));
    text += tokens.empty() ? "\n" : fmt::format("; tokens: {}\n", counted(tokens));
    if (!header.digests.header.empty()) {
        text += fmt::format("    header SHA-256 {}\n", header.digests.header);
    }
    if (!header.digests.keyslots.empty()) {
        text += fmt::format("    keyslots SHA-256 {}\n", header.digests.keyslots);
    }
    if (header.reencrypting) {
        text += "    its encryption is being changed\n";
    }
    for (const KeyTrial& trial : volume.keys) {
        text += trial.keyslot
                    ? fmt::format("    {} opens keyslot {}\n", printable(trial.key), *trial.keyslot)
                : trial.mismatch ? fmt::format("    {} does not open it\n", printable(trial.key))
                                 : fmt::format("    {} could not be tried: {}\n",
                                               printable(trial.key), printable(trial.problem));
    }
    return text;
}

std::string content_text(const VolumeReport& volume) {
    const std::string_view inside = volume.opened ? "inside: " : "";
    if (!volume.content) {
        return fmt::format("  not looked at: {}\n", printable(volume.not_looked_at));
    }
    const Content& content = *volume.content;
    if (content.kind == ContentKind::lvm_member || content.kind == ContentKind::raid_member) {
        return fmt::format("  {}{}: its filesystems are not looked at\n", inside,
                           name_of(content.kind));
    }
    if (!content.filesystem) {
        return fmt::format("  {}{}\n", inside,
                           content.name.empty() ? name_of(content.kind) : content.name);
    }
    const FilesystemState& state = *content.filesystem;
    std::string text = fmt::format("  {}{}", inside, state.type);
    if (!state.label.empty()) {
        text += fmt::format(" '{}'", printable(state.label));
    }
    if (!state.uuid.empty()) {
        text += fmt::format(", UUID {}", state.uuid);
    }
    return text + fmt::format("\n    {}: {}\n", name_of(state.verdict), printable(state.sentence));
}

std::string volume_text(const VolumeReport& volume) {
    std::string text = heading(volume);
    if (volume.encryption) {
        text += header_text(volume);
    }
    return text + content_text(volume);
}

std::string lines_of(std::string_view title, const std::vector<std::string>& sentences) {
    std::string text;
    for (const std::string& sentence : sentences) {
        text += fmt::format("{}: {}\n", title, printable(sentence));
    }
    return text;
}

}  // namespace

std::string report_text(const ImageReport& report) {
    std::string text = fmt::format("{}: {}, {} of disk", printable(report.path),
                                   name_of(report.form.kind), size_text(report.form.disk_bytes));
    text += report.table ? fmt::format(", {} with {} partitions, {}\n", report.table->type,
                                       report.table->partitions.size(), report.table->uuid)
                         : ", no partition table\n";
    for (const VolumeReport& volume : report.volumes) {
        text += volume_text(volume);
    }
    text += lines_of("PROBLEM", problems_of(report));
    text += lines_of("not known", gaps_of(report));
    if (const std::string_view conclusion = conclusion_of(report); !conclusion.empty()) {
        text += fmt::format("{}\n", conclusion);
    }
    return text;
}

}  // namespace stillpoint
