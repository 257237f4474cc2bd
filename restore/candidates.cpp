// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/format.h"
#include "restore/choice.h"

namespace stillpoint {
namespace {

const EncryptionHeader* header_on(const RestoreFacts& facts, const RestoreDevice& device) {
    const auto found = facts.headers.find(device.path);
    return found == facts.headers.end() ? nullptr : &found->second;
}

/// Leaves out what is only a part of another one: the paths of a multipath device, the halves of a
/// mirror.
void keep_topmost(std::vector<const RestoreDevice*>& devices) {
    const auto all = devices;
    std::erase_if(devices, [&](const RestoreDevice* lower) {
        return std::ranges::any_of(
            all, [&](const RestoreDevice* upper) { return stands_on(*upper, *lower); });
    });
}

std::vector<const RestoreDevice*> with_header(const RestoreFacts& facts, const std::string& uuid) {
    std::vector<const RestoreDevice*> found;
    for (const RestoreDevice& device : facts.devices) {
        const EncryptionHeader* header = header_on(facts, device);
        if (header != nullptr && lower_case(header->uuid) == uuid) {
            found.push_back(&device);
        }
    }
    keep_topmost(found);
    return found;
}

LeftAlone left(const WantedVolume& volume, Code code, std::string why) {
    return {volume.name, code, std::move(why), Permission::none, ""};
}

std::string paths_of(const std::vector<const RestoreDevice*>& devices) {
    std::string text;
    for (const RestoreDevice* device : devices) {
        text += (text.empty() ? "'" : ", '") + device->path + "'";
    }
    return text;
}

/// The passport knows another header than is there: the root disk is of another moment than the
/// data disks.
bool is_anothers(const RestoreFacts& facts, const WantedVolume& volume, const std::string& uuid) {
    return facts.point &&
           std::ranges::any_of(facts.point->encryption.volumes, [&](const EncryptedVolume& one) {
               return one.mapper != volume.name && lower_case(one.header.uuid) == uuid;
           });
}

Candidates at_named_place(const WantedVolume& volume, const RestoreFacts& facts,
                          const std::string& uuid) {
    Candidates result;
    const RestoreDevice* named = device_named(facts, volume.device());
    const EncryptionHeader* header = named != nullptr ? header_on(facts, *named) : nullptr;
    const std::string wanted = uuid.empty()
                                   ? fmt::format("its device '{}'", volume.device())
                                   : fmt::format("a device with the encryption header {}", uuid);
    if (header == nullptr) {
        // The passport knows that one was there: it was wiped, or this is an empty disk.
        const Code code = named != nullptr && volume.recorded != nullptr ? Code::header_damaged
                                                                         : Code::volume_unreadable;
        result.none = left(volume, code,
                           named == nullptr
                               ? fmt::format("{} is not there: is the disk attached?", wanted)
                               : fmt::format("{} is not there, and no encryption header is found "
                                             "on '{}'",
                                             wanted, named->path));
    } else if (header->state == HeaderState::damaged) {
        result.none = left(volume, Code::header_damaged,
                           fmt::format("the encryption header on '{}' is damaged and nothing "
                                       "opens it: {}",
                                       named->path, header->problem));
    } else if (!uuid.empty() && is_anothers(facts, volume, lower_case(header->uuid))) {
        result.none = left(volume, Code::volume_unreadable,
                           fmt::format("{} is not there: is the disk attached? '{}' is another "
                                       "volume's",
                                       wanted, volume.device()));
    } else if (uuid.empty() && !header->uuid.empty()) {
        result.devices = with_header(facts, lower_case(header->uuid));
    } else {
        result.devices = {named};
        result.needs_content = !uuid.empty();
    }
    return result;
}

/// Of several with one header none is taken.
Candidates one_of(const WantedVolume& volume, std::vector<const RestoreDevice*> devices) {
    Candidates result;
    if (devices.size() > 1) {
        result.none = left(
            volume, Code::volume_ambiguous,
            fmt::format("{} have the same encryption header: none of them is touched; say which "
                        "one is meant with --device {}=PATH",
                        paths_of(devices), volume.name));
    } else {
        result.devices = std::move(devices);
    }
    return result;
}

Candidates with_header_on_device(const WantedVolume& volume, const RestoreFacts& facts) {
    // What a volume says of itself beats the device that its line names: that may have moved.
    const RestoreDevice* keeper = device_at(facts, volume.kept_in);
    const EncryptionHeader* kept = keeper != nullptr ? header_on(facts, *keeper) : nullptr;
    const std::string uuid = uuid_of(volume);
    Candidates result;
    if (kept != nullptr && !kept->uuid.empty()) {
        // Its twin says the same of itself.
        result.devices = with_header(facts, lower_case(kept->uuid));
    } else if (keeper != nullptr) {
        result.devices = {keeper};
    } else if (!uuid.empty()) {
        result.devices = with_header(facts, uuid);
    }
    if (result.devices.empty()) {
        result = at_named_place(volume, facts, uuid);
    }
    return result.devices.size() > 1 ? one_of(volume, std::move(result.devices)) : result;
}

/// Nothing says what it is, and nothing uses it.
bool is_blank(const RestoreFacts& facts, const RestoreDevice& device) {
    return !device.unreadable && !device.content.ambivalent && device.content.type.empty() &&
           !facts.headers.contains(device.path) && device.block.size_bytes > 0 &&
           !device.block.place.resource_disk &&
           std::ranges::none_of(facts.devices, [&](const RestoreDevice& upper) {
               return stands_on(upper, device) ||
                      (upper.block.disk == device.block.name && upper.path != device.path);
           });
}

Candidates with_header_file(const WantedVolume& volume, const RestoreFacts& facts) {
    Candidates result;
    result.header_file = under_root(facts, volume.header_file());
    const auto header = facts.header_files.find(result.header_file);
    if (header == facts.header_files.end() || header->second.state == HeaderState::damaged) {
        result.none = left(
            volume, Code::header_damaged,
            fmt::format("the file '{}', which holds its encryption header, {}", result.header_file,
                        header == facts.header_files.end()
                            ? "is not there, or holds none"
                            : "is damaged and nothing opens it: " + header->second.problem));
        return result;
    }
    const std::uint64_t size = volume.recorded != nullptr ? volume.recorded->size_bytes : 0;
    for (const RestoreDevice& device : facts.devices) {
        if (is_blank(facts, device) && (size == 0 || device.block.size_bytes == size)) {
            result.devices.push_back(&device);
        }
    }
    // The one that is named first: it most likely still is the one.
    const RestoreDevice* named = device_named(facts, volume.device());
    std::stable_partition(result.devices.begin(), result.devices.end(),
                          [&](const RestoreDevice* device) { return device == named; });
    result.needs_content = true;
    if (result.devices.empty()) {
        result.none =
            left(volume, Code::volume_unreadable,
                 fmt::format("no device is found that could be its own: '{}' {}", volume.device(),
                             named == nullptr ? "is not there" : "does not look like it"));
    }
    return result;
}

bool is_open_as(const RestoreFacts& facts, const RestoreDevice& device, const std::string& name) {
    return std::ranges::any_of(above(facts, device), [&](const RestoreDevice* upper) {
        return upper->block.dm_name == name;
    });
}

}  // namespace

std::string lower_case(std::string text) {
    std::ranges::transform(text, text.begin(), [](char each) {
        return each >= 'A' && each <= 'Z' ? static_cast<char>(each - 'A' + 'a') : each;
    });
    return text;
}

Candidates with_header_uuid(const WantedVolume& volume, const RestoreFacts& facts,
                            const std::string& uuid) {
    return one_of(volume, with_header(facts, uuid));
}

std::string uuid_of(const WantedVolume& volume) {
    if (volume.recorded != nullptr && !volume.recorded->header.uuid.empty()) {
        return lower_case(volume.recorded->header.uuid);
    }
    for (const std::string_view start : {"UUID=", "/dev/disk/by-uuid/"}) {
        if (volume.device().starts_with(start)) {
            return lower_case(volume.device().substr(start.size()));
        }
    }
    return "";
}

Candidates candidates_for(const WantedVolume& volume, const RestoreFacts& facts,
                          const RestoreChoices& choices) {
    const bool detached = !volume.header_file().empty();
    Candidates result =
        detached ? with_header_file(volume, facts) : with_header_on_device(volume, facts);
    const auto choice = choices.devices.find(volume.name);
    if (choice == choices.devices.end()) {
        return result;
    }
    const RestoreDevice* chosen = device_at(facts, choice->second);
    const EncryptionHeader* header = chosen != nullptr ? header_on(facts, *chosen) : nullptr;
    Candidates only{.header_file = result.header_file};
    if (chosen == nullptr) {
        only.none = left(volume, Code::usage,
                         fmt::format("--device names '{}', which is not there", choice->second));
    } else if (!detached && (header == nullptr || header->state == HeaderState::damaged)) {
        only.none = left(volume, Code::header_damaged,
                         fmt::format("no usable encryption header is on '{}', which --device names",
                                     choice->second));
    } else if (detached && result.none && result.none->code == Code::header_damaged) {
        only.none = result.none;
    } else if (detached && !is_blank(facts, *chosen) && !is_open_as(facts, *chosen, volume.name)) {
        only.none = left(volume, Code::volume_ambiguous,
                         fmt::format("'{}', which --device names, holds something else: its header "
                                     "is in a file, so nothing else may be seen on it",
                                     choice->second));
    } else {
        only.devices = {chosen};
        only.needs_content = detached;
    }
    return only;
}

}  // namespace stillpoint
