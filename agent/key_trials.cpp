// SPDX-License-Identifier: Apache-2.0
#include "agent/key_trials.h"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/format.h"
#include "encryption/ade_facts.h"
#include "platform/linux/guard/unique_fd.h"

namespace stillpoint {
namespace {

constexpr off_t kLargestKeyFile = 8 << 20;  // as cryptsetup has it

std::string below(const std::string& root, const std::string& path) {
    return root == "/" || path.starts_with("/dev/")
               ? path
               : root.substr(0, root.find_last_not_of('/') + 1) + path;
}

/// Errors: key_missing.
Result<Secret> read_key_file(const std::string& path) {
    const linux_os::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    struct stat status {};
    if (!fd || ::fstat(fd.get(), &status) != 0) {
        return fail(Code::key_missing, fmt::format("cannot read key file '{}'", path))
            .with_errno(errno);
    }
    if (!S_ISREG(status.st_mode) || status.st_size > kLargestKeyFile) {
        return fail(Code::key_missing,
                    fmt::format("'{}' is no plain file, or larger than a key can be", path));
    }
    std::string key(static_cast<std::size_t>(status.st_size), '\0');
    const ssize_t got = ::pread(fd.get(), key.data(), key.size(), 0);
    Secret secret(std::move(key));
    if (got != status.st_size) {
        return fail(Code::key_missing, fmt::format("cannot read key file '{}'", path))
            .with_errno(errno);
    }
    return secret;
}

/// BITLK: a file is a key by its name, a recovery password by its 48 digits.
KeyKind kind_of(const std::string& path, const Secret& key, EncryptionFormat format) {
    if (format != EncryptionFormat::bitlk) {
        return KeyKind::passphrase;
    }
    if (path.ends_with(".BEK") || path.ends_with(".bek")) {
        return KeyKind::bek_file;
    }
    constexpr std::size_t kRecoveryDigits = 48;
    const std::string_view text = key.reveal();
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    const bool only = std::ranges::all_of(text, [&](char c) { return is_digit(c) || c == '-'; });
    return only && std::ranges::count_if(text, is_digit) == kRecoveryDigits
               ? KeyKind::recovery_password
               : KeyKind::passphrase;
}

struct KeyFile {
    std::string path;
    KeyPart part = {};
};

std::vector<KeyFile> files_for(const EncryptedVolume& volume, const EncryptionSurvey& survey,
                               const std::string& root) {
    std::vector<KeyFile> files;
    if (volume.key_file.starts_with('/') && !volume.key_file.starts_with("/dev/")) {
        const auto line = std::ranges::find(survey.crypttab, volume.mapper, &CrypttabEntry::name);
        files.push_back({below(root, volume.key_file),
                         line == survey.crypttab.end() ? KeyPart() : key_part(line->options)});
    }
    for (const std::string& name : survey.ade.key_files) {
        const std::string path = survey.ade.bek_mount_point + '/' + name;
        if (!survey.ade.bek_mount_point.empty() && is_key_file_name(name) &&
            std::ranges::find(files, path, &KeyFile::path) == files.end()) {
            files.push_back({path});
        }
    }
    return files;
}

KeyCheck try_key_files(const EncryptedVolume& volume, const EncryptionHeaders& headers,
                       const std::vector<KeyFile>& files, const std::string& root) {
    // An image has its path for a name.
    const std::string device =
        volume.device == volume.device_path ? volume.device : "/dev/" + volume.device;
    const VolumePlace place{.path = volume.header_file.empty() ? device
                                                               : below(root, volume.header_file)};
    KeyCheck check{.device = volume.device};
    Error error = fail(Code::key_missing, "no key file is at hand");
    for (const KeyFile& file : files) {
        const Result<Secret> whole = read_key_file(file.path);
        if (!whole) {
            // A key that does not fit says more than a file that is not there.
            error = error.code() == Code::key_missing ? whole.error() : error;
            continue;
        }
        check.key_file = file.path;
        const Secret key(std::string(part_of(whole->reveal(), file.part)));
        const Result<int> slot =
            headers.try_key(place, kind_of(file.path, key, volume.header.format), key);
        if (slot) {
            check.keyslot = *slot;
            return check;
        }
        error = slot.error();
    }
    check.error = name_of(error.code());
    check.message = error.sentence();
    return check;
}

}  // namespace

std::vector<KeyCheck> try_keys(const EncryptionSurvey& survey, const EncryptionHeaders& headers,
                               const std::vector<std::string>& key_files, const std::string& root) {
    std::vector<KeyFile> given;
    for (const std::string& path : key_files) {
        given.push_back({path});
    }
    std::vector<KeyCheck> checks;
    for (const EncryptedVolume& volume : survey.volumes) {
        if (volume.header.format == EncryptionFormat::plain ||
            volume.header.format == EncryptionFormat::integrity) {
            continue;  // nothing there tells a right key from a wrong one
        }
        checks.push_back(try_key_files(
            volume, headers, given.empty() ? files_for(volume, survey, root) : given, root));
    }
    return checks;
}

}  // namespace stillpoint
