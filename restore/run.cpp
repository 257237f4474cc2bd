// SPDX-License-Identifier: Apache-2.0
#include "restore/run.h"

#include <algorithm>

#include "base/format.h"
#include "restore/lv_path.h"

namespace stillpoint {
namespace {

using namespace std::chrono_literals;

/// Opening derives a key, which takes seconds; mounting may replay a journal.
constexpr std::chrono::milliseconds kToolLimit = 5min;

constexpr std::string_view kLookName = "stillpoint-look";
constexpr std::string_view kLookFolder = "/run/stillpoint/look";
constexpr std::string_view kKeptFolder = "/.azure_ade_backup_mount_info/";

/// What does not replay a journal. Source: mount(8), ext4(5), xfs(5), btrfs(5).
std::string reading_options(const std::string& type) {
    if (type == "xfs") {
        return "ro,norecovery,nouuid";
    }
    if (type == "btrfs") {
        return "ro,rescue=nologreplay";
    }
    return type == "ext2" ? "ro" : "ro,noload";
}

bool is_plain(char each) {
    return (each >= '0' && each <= '9') || (each >= 'a' && each <= 'z') ||
           (each >= 'A' && each <= 'Z') || each == ':' || each == '_' || each == '.';
}

/// Names are escaped in those of units. Source: systemd.unit(5).
std::string cryptsetup_unit(const std::string& name) {
    std::string unit = "systemd-cryptsetup@";
    for (std::size_t at = 0; at < name.size(); ++at) {
        if (is_plain(name[at]) && !(at == 0 && name[at] == '.')) {
            unit += name[at];
        } else {
            unit += fmt::format("\\x{:02x}", static_cast<unsigned char>(name[at]));
        }
    }
    return unit + ".service";
}

}  // namespace

Result<void> RestoreRun::run(const RestoreStep& step) {
    volume_ = step.volume;
    Result<void> done = std::visit([this](const auto& action) { return act(action); }, step.action);
    if (done && step.undo.empty()) {
        undos_.clear();
    }
    return done;
}

std::vector<Error> RestoreRun::roll_back() {
    opened_.clear();
    std::vector<Error> failed;
    for (; !undos_.empty(); undos_.pop_back()) {
        if (const Result<void> undone = undos_.back().run(); !undone) {
            failed.push_back(
                fail(Code::rollback_incomplete, undos_.back().what).caused_by(undone.error()));
        }
    }
    return failed;
}

std::vector<Error> RestoreRun::roll_back(const std::set<std::string>& volumes) {
    std::vector<Undo> others;
    std::vector<Undo> its;
    for (Undo& undo : undos_) {
        (volumes.contains(undo.volume) ? its : others).push_back(std::move(undo));
    }
    undos_ = std::move(its);
    std::vector<std::string> opened = std::move(opened_);
    std::erase_if(opened, [&](const std::string& name) { return volumes.contains(name); });
    std::vector<Error> failed = roll_back();
    opened_ = std::move(opened);
    undos_ = std::move(others);
    return failed;
}

void RestoreRun::remember(std::string what, std::function<Result<void>()> undo) {
    undos_.push_back({volume_, std::move(what), std::move(undo)});
}

Result<void> RestoreRun::tool(const std::vector<std::string>& command) {
    const Result<ToolResult> result = system_.run(command, kToolLimit);
    if (!result) {
        return result.error();
    }
    if (result->exit_code == 0) {
        return {};
    }
    std::string words;
    for (const std::string& word : command) {
        words += (words.empty() ? "" : " ") + word;
    }
    std::string says = result->errors.empty() ? result->output : result->errors;
    while (says.ends_with('\n')) {
        says.pop_back();
    }
    std::ranges::replace(says, '\n', ' ');
    return fail(Code::restore_step_failed,
                fmt::format("'{}' ended with {}{}{}", words, result->exit_code,
                            says.empty() ? "" : ": ", says));
}

Result<bool> RestoreRun::is_mounted(const std::string& source, const std::string& mount_point) {
    const auto mounts = system_.mounts();
    const auto devices = system_.devices();
    if (!mounts || !devices) {
        return mounts ? devices.error() : mounts.error();
    }
    const Mount* there = nullptr;
    for (const Mount& one : *mounts) {
        if (one.mount_point == mount_point) {
            there = &one;
        }
    }
    if (there == nullptr) {
        return false;
    }
    const bool same = std::ranges::any_of(*devices, [&](const RestoreDevice& device) {
        const auto is = [&](const std::string& path) {
            return device.path == path ||
                   std::ranges::find(device.links, path) != device.links.end();
        };
        return is(source) && (device.block.number == there->device || is(there->source));
    });
    return same ? Result<bool>(true)
                : fail(Code::restore_step_failed, fmt::format("'{}' is mounted at '{}' meanwhile",
                                                              there->source, mount_point));
}

Result<void> RestoreRun::make_folder(const std::string& path) {
    const Result<std::vector<std::string>> made = system_.make_folder(path);
    if (!made) {
        return made.error();
    }
    for (const std::string& folder : *made) {
        remember(fmt::format("cannot take the folder '{}' away again", folder),
                 [this, folder] { return system_.remove_folder(folder); });
    }
    return {};
}

Result<void> RestoreRun::mount(const std::string& source, const std::string& place,
                               const std::string& type, const std::string& options) {
    const Result<std::string> resolved = system_.resolve(place);
    if (!resolved) {
        return resolved.error();
    }
    const std::string& mount_point = *resolved;
    const Result<bool> mounted = is_mounted(source, mount_point);
    if (!mounted || *mounted) {
        return mounted ? Result<void>() : mounted.error();
    }
    if (Result<void> made = make_folder(mount_point); !made) {
        return made;
    }
    // Before it is done: a tool that ends too late has done it all the same.
    remember(fmt::format("cannot unmount '{}'", mount_point),
             [this, source, mount_point] { return unmount(source, mount_point); });
    return tool({"mount", "-t", type.empty() ? "auto" : type, "-o", options, source, mount_point});
}

Result<void> RestoreRun::unmount(const std::string& source, const std::string& mount_point) {
    const Result<bool> mounted = is_mounted(source, mount_point);
    // What somebody else mounted there meanwhile is theirs.
    return mounted && *mounted ? tool({"umount", mount_point}) : Result<void>();
}

Result<void> RestoreRun::act(const MountKeyVolume& action) {
    return mount(action.device, action.mount_point, "vfat", "ro,nosuid,nodev,noexec");
}

Result<void> RestoreRun::act(const MountFilesystem& action) {
    return mount(action.source, action.mount_point, action.type,
                 action.options.empty() ? "defaults" : action.options);
}

Result<void> RestoreRun::act(const RepairHeader& action) {
    if (Result<void> made = make_folder(action.copy.substr(0, action.copy.rfind('/'))); !made) {
        return made;
    }
    // A detached header below the root is a file there, whatever a link in it names here.
    const Result<std::string> header = system_.resolve(action.device);
    if (!header) {
        return header.error();
    }
    const Result<std::string> copy =
        system_.copy_beginning(action.device, action.copy_bytes, action.copy);
    if (!copy) {
        return copy.error();
    }
    copies_.push_back(*copy);
    // The one call without --disable-locks: with it cryptsetup does not write the header.
    return tool({"cryptsetup", "--batch-mode", "repair", *header});
}

/// What stands on a device would keep it from being closed: the system may have activated it by
/// itself.
Result<void> RestoreRun::release(const RestoreDevice& device,
                                 const std::vector<RestoreDevice>& devices) {
    for (const RestoreDevice& upper : devices) {
        if (std::ranges::find(upper.block.below, device.block.name) == upper.block.below.end()) {
            continue;
        }
        if (Result<void> done = release(upper, devices); !done) {
            return done;
        }
        const auto lv = parse_lv_path(upper.path);
        Result<void> done;
        if (upper.block.kind == BlockKind::dm_lvm && lv) {
            done = tool({"lvchange", "-an", lv_path(*lv)});
        } else if (upper.block.kind == BlockKind::md) {
            done = tool({"mdadm", "--stop", upper.path});
        }
        if (!done) {
            return done;
        }
    }
    return {};
}

Result<void> RestoreRun::close_volume(const std::string& name) {
    const auto devices = system_.devices();
    if (!devices) {
        return devices.error();
    }
    for (const RestoreDevice& device : *devices) {
        if (device.block.kind == BlockKind::dm_crypt && device.block.dm_name == name) {
            const Result<void> released = release(device, *devices);
            return released ? tool({"cryptsetup", "--disable-locks", "close", name}) : released;
        }
    }
    return {};
}

/// At its start the machine may have begun to open the volume, and now waits for somebody to type
/// its passphrase.
void RestoreRun::end_waiting_for_passphrase(const std::string& name) {
    const std::string unit = cryptsetup_unit(name);
    const auto state =
        system_.run({"systemctl", "show", "--property=ActiveState", "--value", unit}, kToolLimit);
    if (state && state->output.starts_with("activating")) {
        (void)system_.run({"systemctl", "stop", unit}, kToolLimit);
    }
}

Result<void> RestoreRun::act(const OpenVolume& action) {
    const auto devices = system_.devices();
    if (!devices) {
        return devices.error();
    }
    for (const RestoreDevice& device : *devices) {
        if (device.block.dm_name == action.name) {
            // Whether it is on the right device is looked at when the next plan is made.
            return {};
        }
    }
    const Result<std::string> key_file = system_.resolve(action.key_file);
    const Result<std::string> header_file =
        action.header_file.empty() ? action.header_file : system_.resolve(action.header_file);
    if (!key_file || !header_file) {
        return (key_file ? header_file : key_file).error();
    }
    end_waiting_for_passphrase(action.name);
    std::vector<std::string> command = {"cryptsetup", "--disable-locks", "--batch-mode",
                                        "open",       "--type",          "luks",
                                        "--key-file", *key_file};
    if (!header_file->empty()) {
        command.insert(command.end(), {"--header", *header_file});
    }
    for (const auto& [option, number] : {std::pair("--keyfile-offset", action.key_part.offset),
                                         std::pair("--keyfile-size", action.key_part.size)}) {
        if (number != 0) {
            command.insert(command.end(), {option, std::to_string(number)});
        }
    }
    if (action.discard) {
        command.emplace_back("--allow-discards");
    }
    if (action.read_only) {
        command.emplace_back("--readonly");
    }
    command.insert(command.end(), {action.device, action.name});
    remember(fmt::format("cannot close '{}'", action.name),
             [this, name = action.name] { return close_volume(name); });
    Result<void> done = tool(command);
    if (done) {
        opened_.push_back(action.name);
    }
    return done;
}

void RestoreRun::settle() {
    // Where there is no udev nothing assembles anything either.
    (void)system_.run({"udevadm", "settle", "--timeout=30"}, kToolLimit);
}

void RestoreRun::finish() {
    for (const std::string& name : opened_) {
        // Ends at once, because the volume is open; whatever waits for the unit goes on. Not waited
        // for: its device may be one that is not there before the next start.
        (void)system_.run({"systemctl", "start", "--no-block", cryptsetup_unit(name)}, kToolLimit);
    }
    opened_.clear();
}

void RestoreRun::end_stale_look() {
    const auto mounts = system_.mounts();
    const std::string folder(kLookFolder);
    if (mounts && std::ranges::find(*mounts, folder, &Mount::mount_point) != mounts->end()) {
        (void)tool({"umount", folder});
    }
    (void)close_volume(std::string(kLookName));
}

Result<void> RestoreRun::act(const LookInside& action) {
    const std::string name(kLookName);
    const std::string folder(kLookFolder);
    end_stale_look();
    // Whatever comes of it: it is not looked into again.
    kept_lines_[action.device];
    const Result<std::string> key_file = system_.resolve(action.key_file);
    if (!key_file) {
        return key_file.error();
    }
    if (Result<void> opened =
            tool({"cryptsetup", "--disable-locks", "--batch-mode", "open", "--readonly", "--type",
                  "luks", "--key-file", *key_file, action.device, name});
        !opened) {
        return opened;
    }
    Result<void> done = read_kept_lines(action, folder);
    if (const Result<void> closed = tool({"cryptsetup", "--disable-locks", "close", name});
        done && !closed) {
        done = closed;
    }
    return done;
}

Result<void> RestoreRun::read_kept_lines(const LookInside& action, const std::string& folder) {
    const std::string source = "/dev/mapper/" + std::string(kLookName);
    const Result<std::vector<std::string>> made = system_.make_folder(folder);
    if (!made) {
        return made.error();
    }
    Result<void> done =
        tool({"mount", "-t", action.filesystem, "-o",
              reading_options(action.filesystem) + ",nosuid,nodev,noexec", source, folder});
    if (done) {
        KeptLines lines;
        for (const auto& [file, text] :
             {std::pair("crypttab_line", &lines.crypttab), std::pair("fstab_line", &lines.fstab),
              std::pair("azure_crypt_mount_line", &lines.azure_crypt_mount)}) {
            const auto read = system_.read(folder + std::string(kKeptFolder) + file);
            *text = read && *read ? **read : "";
        }
        // An empty one as well: it need not be looked into again.
        kept_lines_[action.device] = lines;
        done = tool({"umount", folder});
    }
    for (auto one = made->rbegin(); one != made->rend(); ++one) {
        (void)system_.remove_folder(*one);
    }
    return done;
}

Result<void> RestoreRun::act(const RenameVolumeGroup& action) {
    if (!action.copies.empty()) {
        std::vector<std::string> command = {"vgimportclone", "--basevgname", action.name};
        command.insert(command.end(), action.copies.begin(), action.copies.end());
        return tool(command);
    }
    Result<void> done = tool({"vgrename", action.group, action.name});
    if (done) {
        // Not of its volumes alone: fstab names the group as it is called now.
        undos_.push_back(
            {"", fmt::format("cannot give the volume group '{}' its old name", action.name),
             [this, action] {
                 return tool({"vgrename", action.group, action.old_name});
             }});
    }
    return done;
}

Result<void> RestoreRun::act(const ActivateVolumeGroup& action) {
    for (const std::string& volume : action.inactive) {
        const std::string path = lv_path({action.group, volume});
        remember(fmt::format("cannot deactivate '{}'", path), [this, path] {
            return tool({"lvchange", "-an", path});
        });
    }
    return tool({"vgchange", "-ay", action.group});
}

Result<void> RestoreRun::keep(const std::string& path, const Result<std::string>& copy) {
    if (!copy) {
        return copy.error();
    }
    if (!copy->empty()) {
        copies_.push_back(*copy);
    }
    remember(fmt::format("cannot put '{}' back", path), [this, path, kept = *copy] {
        std::erase(copies_, kept);
        return system_.put_back(path, kept);
    });
    return {};
}

Result<void> RestoreRun::act(const ReplaceTable& action) {
    const auto now = system_.read(action.path);
    if (!now) {
        return now.error();
    }
    if (*now == action.text) {
        return {};
    }
    if (*now != action.before) {
        return fail(Code::restore_step_failed,
                    fmt::format("'{}' was changed by somebody else meanwhile", action.path));
    }
    const std::size_t slash = action.path.rfind('/');
    if (Result<void> made = make_folder(action.path.substr(0, slash)); !made) {
        return made;
    }
    Result<void> done = keep(action.path, system_.replace(action.path, action.text));
    if (done) {
        // Units are made from these tables; without systemd there is nothing to tell.
        (void)system_.run({"systemctl", "daemon-reload"}, kToolLimit);
    }
    return done;
}

Result<void> RestoreRun::act(const ResetState& action) {
    for (const std::string& path : action.files) {
        if (Result<void> done = keep(path, system_.remove(path)); !done) {
            return done;
        }
    }
    return {};
}

}  // namespace stillpoint
