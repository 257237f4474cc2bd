// SPDX-License-Identifier: Apache-2.0
#include "encryption/survey_text.h"

#include "base/format.h"
#include "encryption/survey_fields.h"
#include "encryption/survey_json.h"

namespace stillpoint {
namespace {

template <class Items, class Shown>
std::string list(const Items& items, Shown shown) {
    std::string text;
    for (const auto& item : items) {
        text += (text.empty() ? "" : ", ") + shown(item);
    }
    return text;
}

std::string list(const std::vector<std::string>& items) {
    return list(items, [](const std::string& item) { return item; });
}

/// Text from a header or a table, which may hold anything: nothing that a terminal obeys.
std::string printable(std::string text) {
    for (char& each : text) {
        const auto byte = static_cast<unsigned char>(each);
        each = byte < ' ' || byte == 0x7f ? '?' : each;
    }
    return text;
}

std::string line(std::string_view name, const std::string& value) {
    return value.empty() ? "" : fmt::format("  {:<12}{}\n", name, printable(value));
}

std::string lun_text(int lun) {
    return lun < 0 ? "the OS disk" : fmt::format("LUN {}", lun);
}

std::string format_line(const EncryptionHeader& header) {
    std::string text(name_of(header.format));
    if (!header.cipher.empty()) {
        text += ", " + header.cipher;
    }
    if (header.key_bits > 0) {
        text += fmt::format(", {} bits", header.key_bits);
    }
    if (!header.uuid.empty()) {
        text += ", UUID " + header.uuid;
    }
    return header.label.empty() ? text : text + ", label '" + header.label + "'";
}

std::string state_line(const EncryptionHeader& header) {
    std::string text(name_of(header.state));
    if (!header.problem.empty()) {
        text += ": " + header.problem;
    }
    return header.reencrypting ? text + "; it is being encrypted anew" : text;
}

std::string keyslots_line(const EncryptionHeader& header) {
    return list(header.keyslots, [](const Keyslot& slot) {
        return fmt::format("{} {}{}", slot.number, slot.kind, slot.bound ? "" : " (opens nothing)");
    });
}

std::string text_of(const EncryptedVolume& volume) {
    const EncryptionHeader& header = volume.header;
    std::string text = printable(volume.device);
    if (!volume.mapper.empty()) {
        text +=
            fmt::format(" ('{}', {})", printable(volume.mapper), volume.open ? "open" : "closed");
    }
    if (!volume.luns.empty()) {
        text += " on " + list(volume.luns, lun_text);
    }
    text += '\n';
    text += line("format", format_line(header));
    text += line("state", state_line(header));
    text += line("keyslots", keyslots_line(header));
    text += line("tokens", list(header.tokens, [](const KeyToken& token) {
                     return fmt::format("{} {}", token.number, token.type);
                 }));
    if (!volume.header_file.empty()) {
        text +=
            line("header in", fmt::format("'{}' on {}", volume.header_file,
                                          volume.header_disks.empty() ? "a disk that is not known"
                                                                      : list(volume.header_disks)));
    }
    text += line("header", header.digests.header.empty() ? "" : "sha256 " + header.digests.header);
    text +=
        line("keys", header.digests.keyslots.empty() ? "" : "sha256 " + header.digests.keyslots);
    text += line("stacking", list(volume.stacking));
    text += line("groups", list(volume.volume_groups));
    text += line("mounted", list(volume.mounts, [](const EncryptedMount& mount) {
                     return fmt::format("{} ({})", mount.mount_point, mount.type);
                 }));
    if (!volume.key_file.empty()) {
        text += line("key file", fmt::format("'{}', {}", volume.key_file,
                                             volume.key_file_present ? "there" : "not there"));
    }
    text += line("secret", volume.keys.secret.empty() && volume.of_azure
                               ? "unknown; the host names it in a backup"
                               : volume.keys.secret);
    text += line("key key", volume.keys.key_encryption);
    if (volume.bound_to_machine) {
        text += line("opens", "only on this machine");
    }
    return text;
}

std::string text_of(const AdeFacts& ade) {
    if (ade.generation == AdeGeneration::none) {
        return "";
    }
    std::string text = "Azure Disk Encryption\n";
    text += line("generation",
                 std::string(name_of(ade.generation)) +
                     (ade.extension_version.empty() ? "" : ", extension " + ade.extension_version));
    if (!ade.bek_device.empty()) {
        text += line("key volume",
                     fmt::format("{}, {}", ade.bek_device,
                                 ade.bek_mount_point.empty() ? "not mounted"
                                                             : "on '" + ade.bek_mount_point + "'"));
    }
    return text + line("key files", list(ade.key_files));
}

}  // namespace

std::string survey_text(const EncryptionSurvey& survey) {
    std::string text;
    for (const EncryptedVolume& volume : survey.volumes) {
        text += text_of(volume);
    }
    if (survey.volumes.empty()) {
        text += "no encrypted volume\n";
    }
    text += text_of(survey.ade);
    if (survey.ade.generation != AdeGeneration::none && !survey.vfat_available) {
        text += line("vfat", survey.vfat_problem);
    }
    for (const std::string& note : survey.notes) {
        text += fmt::format("note: {}\n", printable(note));
    }
    for (const std::string& gap : survey.gaps) {
        text += fmt::format("not read: {}\n", printable(gap));
    }
    return text;
}

std::string key_checks_text(const std::vector<KeyCheck>& checks) {
    std::string text;
    for (const KeyCheck& check : checks) {
        text += check.error.empty()
                    ? fmt::format("{}: keyslot {} is opened by '{}'\n", printable(check.device),
                                  check.keyslot, printable(check.key_file))
                    : fmt::format("{}: {} [{}]\n", printable(check.device),
                                  printable(check.message), check.error);
    }
    return text;
}

std::string key_checks_json(const EncryptionSurvey& survey, const std::vector<KeyCheck>& checks) {
    Json list = Json::array();
    for (const KeyCheck& check : checks) {
        Json one = {{"device", check.device}, {"key_file", check.key_file}};
        if (check.error.empty()) {
            one["keyslot"] = check.keyslot;
        } else {
            one["error"] = check.error;
            one["message"] = check.message;
        }
        list.push_back(std::move(one));
    }
    return "{\n  \"survey\": " + render_survey(survey, 2) +
           ",\n  \"keys\": " + list.dump(-1, ' ', true, Json::error_handler_t::replace) + "\n}";
}

}  // namespace stillpoint
