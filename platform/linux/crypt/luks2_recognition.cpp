// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <libcryptsetup.h>

#include "base/format.h"
#include "platform/linux/crypt/crypt_device.h"
#include "platform/linux/crypt/digest.h"
#include "platform/linux/crypt/header_copy.h"
#include "platform/linux/crypt/luks2_json.h"
#include "platform/linux/crypt/luks2_layout.h"
#include "platform/linux/crypt/recognised.h"
#include "platform/linux/crypt/volume_probe.h"

namespace stillpoint::linux_os {
namespace {

struct Copy {
    Luks2Copy layout;
    std::string whole;
    Luks2Checksum checksum = Luks2Checksum::wrong;
    std::string fault;  // empty: libcryptsetup loads it

    bool usable() const { return fault.empty(); }
    Stretch stretch() const { return {layout.offset, layout.bytes}; }
    std::string_view json_area() const {
        return std::string_view(whole).substr(Luks2Copy::kBinaryBytes);
    }
};

Result<std::optional<Copy>> find_copy(const VolumeReader& volume, std::uint64_t offset) {
    const Result<std::string> binary = volume.read(offset, Luks2Copy::kBinaryBytes);
    if (!binary) {
        return binary.error();
    }
    std::optional<Luks2Copy> layout = parse_luks2_binary(*binary, offset);
    if (!layout) {
        return std::optional<Copy>();
    }
    Copy copy;
    copy.layout = *std::move(layout);
    Result<std::string> whole = volume.read(offset, copy.layout.bytes);
    if (!whole) {
        return whole.error();
    }
    copy.whole = *std::move(whole);
    copy.checksum = check_luks2(copy.layout, copy.whole);
    switch (copy.checksum) {
        case Luks2Checksum::right:
            break;
        case Luks2Checksum::wrong:
            copy.fault = "its checksum is wrong";
            break;
        case Luks2Checksum::unknown_algorithm:
            copy.fault = fmt::format("its checksum is of an unknown kind, '{}'",
                                     copy.layout.checksum_algorithm);
            break;
    }
    return std::optional(std::move(copy));
}

/// As libcryptsetup looks for it: where the first copy says, or, when that is not to be trusted,
/// everywhere.
Result<std::optional<Copy>> find_second(const VolumeReader& volume,
                                        const std::optional<Copy>& first) {
    if (first && first->usable()) {
        return find_copy(volume, first->layout.bytes);
    }
    std::optional<Copy> broken;
    for (const std::uint64_t offset : Luks2Copy::kSecondOffsets) {
        Result<std::optional<Copy>> copy = find_copy(volume, offset);
        if (!copy || (*copy && (*copy)->usable())) {
            return copy;
        }
        if (*copy && !broken) {
            broken = *std::move(copy);
        }
    }
    return broken;
}

/// Empty when libcryptsetup loads a volume that has nothing but these. Errors: volume_unreadable.
Result<std::string> why_not_loaded(const VolumeReader& volume,
                                   const std::vector<const Copy*>& copies) {
    Result<HeaderCopy> memory = HeaderCopy::make(volume.size());
    if (!memory) {
        return memory.error();
    }
    for (const Copy* copy : copies) {
        if (const Result<void> put = memory->put(copy->layout.offset, copy->whole); !put) {
            return put.error();
        }
    }
    CryptDevice device(*memory, volume.path());
    if (device.load(CRYPT_LUKS2)) {
        return std::string();
    }
    if (device.could_not_look()) {
        return fail(Code::volume_unreadable, fmt::format("the header of '{}' cannot be judged: {}",
                                                         volume.path(), device.why()));
    }
    return fmt::format("libcryptsetup refuses it: {}", device.why());
}

/// A right checksum is not enough: the library has its rules for what stands in a header. Each copy
/// is judged alone, or both at once when they say the same.
Result<void> judge(const VolumeReader& volume, std::optional<Copy>& first,
                   std::optional<Copy>& second) {
    std::vector<std::vector<Copy*>> groups;
    for (std::optional<Copy>* copy : {&first, &second}) {
        if (!*copy || !(*copy)->usable()) {
            continue;
        }
        Copy& one = **copy;
        if (!groups.empty() && groups.front().front()->layout.sequence == one.layout.sequence &&
            groups.front().front()->json_area() == one.json_area()) {
            groups.front().push_back(&one);
        } else {
            groups.push_back({&one});
        }
    }
    for (const std::vector<Copy*>& group : groups) {
        const Result<std::string> why = why_not_loaded(volume, {group.begin(), group.end()});
        if (!why) {
            return why.error();
        }
        for (Copy* copy : group) {
            copy->fault = *why;
        }
    }
    return {};
}

std::string verdict(const char* which, const std::optional<Copy>& copy) {
    return fmt::format("the {} copy of the header is {}", which,
                       copy ? "damaged: " + copy->fault : std::string("not there"));
}

/// State and problem, for whatever is not the same in both copies.
void set_state(EncryptionHeader& header, const std::optional<Copy>& first,
               const std::optional<Copy>& second) {
    const bool first_usable = first && first->usable();
    const bool second_usable = second && second->usable();
    if (first_usable && second_usable) {
        if (first->layout.sequence != second->layout.sequence) {
            const bool first_is_older = first->layout.sequence < second->layout.sequence;
            header.state = HeaderState::one_copy_damaged;
            header.problem = fmt::format("the {} copy of the header is older than the {}",
                                         first_is_older ? "first" : "second",
                                         first_is_older ? "second" : "first");
        }
        return;
    }
    if (first_usable || second_usable) {
        header.state = HeaderState::one_copy_damaged;
        header.problem = first_usable ? verdict("second", second) : verdict("first", first);
        return;
    }
    const auto unknown = [](const std::optional<Copy>& copy) {
        return copy && copy->checksum == Luks2Checksum::unknown_algorithm;
    };
    header.state =
        unknown(first) || unknown(second) ? HeaderState::not_understood : HeaderState::damaged;
    header.problem = verdict("first", first) + "; " + verdict("second", second);
}

const Copy& best_of(const std::optional<Copy>& first, const std::optional<Copy>& second) {
    const auto rank = [](const std::optional<Copy>& copy) {
        return !copy ? 0 : copy->usable() ? 3 : copy->checksum == Luks2Checksum::right ? 2 : 1;
    };
    if (rank(first) == rank(second)) {
        return second->layout.sequence > first->layout.sequence ? *second : *first;
    }
    return rank(first) > rank(second) ? *first : *second;
}

/// Gives what the library loads and this build does not understand, as a clause; empty: nothing.
std::string describe(RecognisedHeader& found, const Copy& copy) {
    EncryptionHeader& header = found.header;
    Luks2Content content = parse_luks2_json(luks2_json(copy.whole));
    header.format = EncryptionFormat::luks2;
    header.uuid = copy.layout.uuid;
    header.label = copy.layout.label;
    header.cipher = std::move(content.cipher);
    header.key_bits = content.key_bits;
    header.sector_bytes = content.sector_bytes;
    header.payload_offset_bytes = content.payload_offset_bytes;
    header.keyslots = std::move(content.keyslots);
    header.tokens = std::move(content.tokens);
    header.reencrypting = content.reencrypting;
    found.iv_offset_sectors = content.iv_offset_sectors;
    found.not_simple = content.reencrypting ? "a re-encryption has begun and not ended"
                       : content.simple     ? ""
                                            : "it has integrity tags or several segments";
    if (!copy.usable()) {
        return "";
    }
    header.digests.header = sha256_text(copy.whole);
    found.header_areas = {copy.stretch()};
    found.key_areas = std::move(content.key_areas);
    found.key_costs = std::move(content.key_costs);
    if (!content.readable) {
        return "its JSON is written in a way that this build does not read";
    }
    return content.unknown_requirement.empty()
               ? ""
               : fmt::format("it requires '{}', which this build does not know",
                             content.unknown_requirement);
}

}  // namespace

Recognition recognise_luks2(const VolumeReader& volume) {
    Result<std::optional<Copy>> first = find_copy(volume, 0);
    if (!first) {
        return first.error();
    }
    Result<std::optional<Copy>> second = find_second(volume, *first);
    if (!second) {
        return second.error();
    }
    if (!*first && !*second) {
        return std::optional<RecognisedHeader>();
    }
    if (const Result<void> judged = judge(volume, *first, *second); !judged) {
        return judged.error();
    }
    RecognisedHeader found;
    const Copy& best = best_of(*first, *second);
    const std::string not_understood = describe(found, best);
    set_state(found.header, *first, *second);
    if (!(*first && (*first)->usable() && *second && (*second)->usable())) {
        // cryptsetup opens no volume that has to be repaired and might be something else, too.
        const Result<std::optional<ProbedVolume>> other = probe_beside_luks(volume);
        if (!other) {
            return other.error();
        }
        if (*other && !*first && (*other)->usage == "filesystem") {
            return std::optional<RecognisedHeader>();  // formatted anew since
        }
        if (*other) {
            found.header.state = HeaderState::damaged;
            found.header.problem += fmt::format(
                ", and there is also a signature of '{}', so that cryptsetup opens nothing before "
                "'cryptsetup repair'",
                (*other)->type.empty() ? "several others" : (*other)->type);
        }
    }
    if (!not_understood.empty()) {
        const std::string& problem = found.header.problem;
        found.header.problem = not_understood + (problem.empty() ? "" : "; " + problem);
        found.header.state = HeaderState::not_understood;
    }
    if (best.usable()) {
        Result<std::string> keyslots = digest_of(volume, found.key_areas);
        if (!keyslots) {
            return keyslots.error();
        }
        found.header.digests.keyslots = *std::move(keyslots);
    }
    return std::optional(std::move(found));
}

}  // namespace stillpoint::linux_os
