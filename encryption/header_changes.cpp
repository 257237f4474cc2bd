// SPDX-License-Identifier: Apache-2.0
#include "encryption/header_changes.h"

#include <algorithm>

#include "base/format.h"
#include "encryption/survey_json.h"

namespace stillpoint {
namespace {

/// "2 (argon2id, pbkdf2)"
std::string summary_of(const std::vector<Keyslot>& keyslots) {
    std::string kinds;
    for (const Keyslot& slot : keyslots) {
        kinds += (kinds.empty() ? "" : ", ") + slot.kind;
    }
    return kinds.empty() ? "none" : fmt::format("{} ({})", keyslots.size(), kinds);
}

std::string description(const EncryptionHeader& header) {
    return fmt::format("{} {} {}", name_of(header.format), header.cipher, header.uuid);
}

/// A header that says nothing of itself, so that nothing can be compared.
bool is_unknown(const EncryptionHeader& header) {
    return header.digests.header.empty();
}

/// The copies differ in their bytes: which one is described does not make it another header.
bool is_from_one_copy(const EncryptionHeader& header) {
    return header.state == HeaderState::one_copy_damaged;
}

std::string or_none(const std::string& url) {
    return url.empty() ? "none" : fmt::format("'{}'", url);
}

class Comparison {
public:
    Comparison(const EncryptedVolume& last, const EncryptedVolume& now) : last_(last), now_(now) {}

    std::vector<ReadinessWarning> run() {
        compare_headers();
        compare_keys();
        return std::move(found_);
    }

private:
    void add(const char* id, const std::string& sentence) {
        found_.push_back({id, fmt::format("{}: {}", shown(now_), sentence)});
    }

    void compare_headers() {
        const EncryptionHeader& before = last_.header;
        const EncryptionHeader& header = now_.header;
        if (is_unknown(before) || is_unknown(header) || before.digests == header.digests) {
            return;
        }
        if (description(before) != description(header)) {
            add("encrypted_anew", fmt::format("it was encrypted anew since the last point: '{}' "
                                              "was '{}'",
                                              description(header), description(before)));
        } else if (before.keyslots != header.keyslots) {
            add("keyslots_changed",
                fmt::format("its keyslots changed since the last point: {}, where there were {}",
                            summary_of(header.keyslots), summary_of(before.keyslots)));
        } else if (!before.digests.keyslots.empty() && !header.digests.keyslots.empty() &&
                   before.digests.keyslots != header.digests.keyslots) {
            add("keyslots_changed",
                "its keyslots changed since the last point: a key in them is another one");
        } else if (before.tokens != header.tokens) {
            add("tokens_changed", "what gives its keys (tokens) changed since the last point");
        } else if (is_from_one_copy(before) == is_from_one_copy(header)) {
            add("header_changed", "its header changed since the last point, but not its keys");
        }
    }

    void compare_keys() {
        const auto compare = [&](const char* what, const std::string& before,
                                 const std::string& after) {
            if (before != after) {
                add("key_version_changed",
                    fmt::format("its {} is another one than at the last point: {} was {}", what,
                                or_none(after), or_none(before)));
            }
        };
        const KeyUrls& before = last_.keys;
        const KeyUrls& now = now_.keys;
        const bool secrets_known = !before.secret.empty() && !now.secret.empty();
        if (secrets_known) {
            compare("secret", before.secret, now.secret);
        }
        // Beside a secret, no key encryption key means that there is none; alone it is not known.
        if (secrets_known || (!before.key_encryption.empty() && !now.key_encryption.empty())) {
            compare("key encryption key", before.key_encryption, now.key_encryption);
        }
    }

    const EncryptedVolume& last_;
    const EncryptedVolume& now_;
    std::vector<ReadinessWarning> found_;
};

bool same_uuid(const EncryptedVolume& one, const EncryptedVolume& other) {
    return !one.header.uuid.empty() && one.header.uuid == other.header.uuid;
}

bool same_mapper(const EncryptedVolume& one, const EncryptedVolume& other) {
    return !one.mapper.empty() && one.mapper == other.mapper;
}

/// The kernel's names change from start to start, so the disk must be the same too.
bool same_device(const EncryptedVolume& one, const EncryptedVolume& other) {
    return one.device == other.device && one.luns == other.luns;
}

/// The volumes of two surveys, each with the same one of the other.
struct Matched {
    struct Pair {
        const EncryptedVolume* last;
        const EncryptedVolume* now;
    };
    std::vector<Pair> same;
    std::vector<const EncryptedVolume*> only_last;
    std::vector<const EncryptedVolume*> only_now;
};

Matched match(const EncryptionSurvey& last, const EncryptionSurvey& now) {
    Matched found;
    for (const EncryptedVolume& volume : last.volumes) {
        found.only_last.push_back(&volume);
    }
    for (const EncryptedVolume& volume : now.volumes) {
        found.only_now.push_back(&volume);
    }
    for (const auto is_same : {same_uuid, same_mapper, same_device}) {
        std::erase_if(found.only_now, [&](const EncryptedVolume* volume) {
            const auto known = std::ranges::find_if(
                found.only_last,
                [&](const EncryptedVolume* one) { return is_same(*one, *volume); });
            if (known == found.only_last.end()) {
                return false;
            }
            found.same.push_back({*known, volume});
            found.only_last.erase(known);
            return true;
        });
    }
    return found;
}

/// A file on another disk, which comes and goes as somebody likes.
bool is_image(const EncryptedVolume& volume) {
    return volume.luns.empty() && !volume.disks.empty() &&
           std::ranges::all_of(volume.disks,
                               [](const std::string& disk) { return disk.starts_with("loop"); });
}

/// One of its disks was in the machine at the last point: the same place, and not another size as a
/// disk that was put there since would have.
bool was_there(const EncryptedVolume& volume, const ReadinessInput& input) {
    return input.last_inventory == nullptr ||
           std::ranges::any_of(input.inventory.devices, [&](const BlockDevice& disk) {
               const auto is_it = [&](const BlockDevice& before) {
                   return before.size_bytes == disk.size_bytes &&
                          before.place.lun == disk.place.lun &&
                          (disk.place.lun || before.name == disk.name);
               };
               return std::ranges::find(volume.disks, disk.name) != volume.disks.end() &&
                      std::ranges::any_of(input.last_inventory->devices, is_it);
           });
}

void take_unless_known(std::string& now, const std::string& last) {
    if (now.empty()) {
        now = last;
    }
}

}  // namespace

std::string shown(const EncryptedVolume& volume) {
    return volume.mapper.empty() ? fmt::format("'{}'", volume.device)
                                 : fmt::format("'{}' ('{}')", volume.device, volume.mapper);
}

EncryptionSurvey to_compare_with(const EncryptionSurvey& last, const EncryptionSurvey& now) {
    EncryptionSurvey kept = now;
    const Matched volumes = match(last, now);
    for (const Matched::Pair& pair : volumes.same) {
        EncryptedVolume& volume =
            kept.volumes[static_cast<std::size_t>(pair.now - now.volumes.data())];
        if (volume.keys.secret.empty()) {
            take_unless_known(volume.keys.secret, pair.last->keys.secret);
            take_unless_known(volume.keys.key_encryption, pair.last->keys.key_encryption);
            take_unless_known(volume.keys.vault, pair.last->keys.vault);
        }
        if (is_unknown(volume.header) && volume.header.state != HeaderState::sound) {
            volume.header = pair.last->header;
        }
    }
    if (!now.gaps.empty()) {
        for (const EncryptedVolume* volume : volumes.only_last) {
            kept.volumes.push_back(*volume);
        }
    }
    return kept;
}

std::vector<ReadinessWarning> header_changes(const ReadinessInput& input) {
    const Matched volumes = match(*input.last, input.now);
    std::vector<ReadinessWarning> found;
    for (const Matched::Pair& pair : volumes.same) {
        for (ReadinessWarning& warning : Comparison(*pair.last, *pair.now).run()) {
            found.push_back(std::move(warning));
        }
    }
    for (const EncryptedVolume* volume : volumes.only_now) {
        if (!is_image(*volume) && was_there(*volume, input)) {
            found.push_back({"encryption_switched_on",
                             fmt::format("{}: it is encrypted, and was not at the last point: "
                                         "older points hold it as it was before",
                                         shown(*volume))});
        }
    }
    for (const EncryptedVolume* volume : volumes.only_last) {
        // With gaps, it may just not have been seen.
        if (!is_image(*volume) && input.now.gaps.empty()) {
            found.push_back({"encryption_switched_off",
                             fmt::format("{}: it was encrypted at the last point, and is not any "
                                         "more, or is not there",
                                         shown(*volume))});
        }
    }
    return found;
}

}  // namespace stillpoint
