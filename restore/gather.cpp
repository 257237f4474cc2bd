// SPDX-License-Identifier: Apache-2.0
#include "restore/gather.h"

#include <algorithm>

#include "base/format.h"
#include "restore/choice.h"
#include "restore/filesystem_check.h"
#include "restore/key_path.h"
#include "restore/lvm_report.h"

namespace stillpoint {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds kReportLimit = 1min;

bool is_encrypted(const RestoreDevice& device) {
    // What blkid does not know, or is unsure of, may be a damaged header.
    const std::string& type = device.content.type;
    return type.empty() || device.content.ambivalent || type == "crypto_LUKS" ||
           type == "BitLocker";
}

}  // namespace

Result<RestoreFacts> RestoreLook::look(const RestoreCase& restore,
                                       const std::map<std::string, KeptLines>& kept_lines) {
    RestoreFacts facts;
    facts.root = restore.root;
    facts.point = restore.point;
    facts.point_problem = restore.point_problem;
    facts.machine = restore.machine;
    facts.kept_lines = kept_lines;
    facts.stale_state = restore.stale_state();
    Result<std::vector<RestoreDevice>> devices = system_.devices();
    Result<std::vector<Mount>> mounts = system_.mounts();
    if (!devices || !mounts) {
        return devices ? mounts.error() : devices.error();
    }
    facts.devices = std::move(*devices);
    facts.mounts = std::move(*mounts);
    read_tables(facts);
    find_folders(facts);
    read_headers(facts);
    read_key_volumes(facts);
    read_header_files(facts);
    read_volume_groups(facts);
    prove(facts, restore.choices);
    check_filesystems(facts, restore.choices);
    return facts;
}

void RestoreLook::read_tables(RestoreFacts& facts) {
    for (const auto& [table, path] :
         {std::pair(&facts.crypttab, kCrypttabPath), std::pair(&facts.fstab, kFstabPath),
          std::pair(&facts.azure_crypt_mount, kAzureCryptMountPath)}) {
        table->path = under_root(facts, std::string(path));
        const auto text = system_.read(table->path);
        if (text) {
            table->text = *text;
        } else {
            facts.gaps.push_back(text.error().sentence());
        }
    }
}

void RestoreLook::find_folders(RestoreFacts& facts) {
    std::map<std::string, std::string> folders;
    for (const std::string& folder : named_folders(facts)) {
        const std::string path = plain_path(folder);
        // Links in a circle: then nothing can be mounted there, and the step says so.
        if (const Result<std::string> place = system_.resolve(facts.root + path)) {
            folders[path] = *place;
        }
    }
    facts.folders = std::move(folders);
}

void RestoreLook::read_headers(RestoreFacts& facts) {
    for (const RestoreDevice& device : facts.devices) {
        if (!is_encrypted(device) || device.block.size_bytes == 0) {
            continue;
        }
        const auto header = headers_.read({device.path, 0, 0});
        if (header && *header) {
            facts.headers[device.path] = **header;
        } else if (!header) {
            facts.gaps.push_back(header.error().sentence());
        }
    }
}

void RestoreLook::read_key_volumes(RestoreFacts& facts) {
    for (const RestoreDevice& device : facts.devices) {
        if (device.content.label != kKeyVolumeLabel || device.content.type != "vfat") {
            continue;
        }
        KeyVolume volume{.device = device.path};
        for (const Mount& mount : facts.mounts) {
            if (mount.device == device.block.number && mount.root == "/") {
                volume.mounted_at = mount.mount_point;
            }
        }
        if (volume.mounted_at.empty()) {
            auto keys = system_.read_keys_on(device.path);
            if (keys) {
                for (auto& [name, secret] : *keys) {
                    volume.key_files.push_back(name);
                    keys_.insert_or_assign({device.path, name}, std::move(secret));
                }
            } else {
                volume.problem = keys.error().sentence();
            }
        } else if (const auto names = system_.names_in(volume.mounted_at)) {
            for (const std::string& name : *names) {
                auto secret = system_.read_key(volume.mounted_at + "/" + name);
                if (secret && *secret) {
                    volume.key_files.push_back(name);
                    keys_.insert_or_assign({device.path, name}, std::move(**secret));
                }
            }
        } else {
            volume.problem = names.error().sentence();
        }
        std::ranges::sort(volume.key_files);
        facts.key_volumes.push_back(std::move(volume));
    }
    for (const auto& [file, secret] : keys_) {
        for (const auto& [other, key] : keys_) {
            const bool on_volumes = !file.volume.empty() && !other.volume.empty();
            if (on_volumes && (file.name == other.name) != (secret.reveal() == key.reveal())) {
                facts.unclear_keys.insert(file.name);
            }
        }
    }
}

void RestoreLook::read_header_files(RestoreFacts& facts) {
    for (const WantedVolume& volume : wanted_volumes(facts)) {
        if (volume.header_file().empty()) {
            continue;
        }
        const std::string path = under_root(facts, volume.header_file());
        const Result<std::string> place = system_.resolve(path);
        const auto header = place ? headers_.read({*place, 0, 0})
                                  : Result<std::optional<EncryptionHeader>>(place.error());
        if (header && *header) {
            facts.header_files[path] = **header;
        } else if (!header) {
            facts.gaps.push_back(header.error().sentence());
        }
    }
}

void RestoreLook::read_volume_groups(RestoreFacts& facts) {
    const bool any = std::ranges::any_of(facts.devices, [](const RestoreDevice& device) {
        return device.content.type == "LVM2_member";
    });
    if (!any) {
        return;
    }
    const Result<ToolResult> physical = system_.run(lvm_physical_command(), kReportLimit);
    const Result<ToolResult> logical = system_.run(lvm_logical_command(), kReportLimit);
    if (!physical || !logical) {
        facts.lvm_problem = (physical ? logical : physical).error().sentence();
        return;
    }
    for (const auto& [tool, result] : {std::pair("pvs", &*physical), std::pair("lvs", &*logical)}) {
        if (result->exit_code != 0) {
            facts.lvm_problem = fmt::format("'{}' ended with {}: {}", tool, result->exit_code,
                                            result->errors.substr(0, result->errors.find('\n')));
        }
    }
    facts.volume_groups = parse_lvm_report(physical->output, logical->output, facts.devices);
}

Result<const Secret*> RestoreLook::key(const KeyFile& file) {
    if (const auto known = keys_.find(file); known != keys_.end()) {
        return &known->second;
    }
    if (!file.volume.empty()) {
        return nullptr;
    }
    auto secret = system_.read_key(file.name);
    if (!secret) {
        return secret.error();
    }
    if (!*secret) {
        return nullptr;
    }
    Secret key(std::string(part_of((*secret)->reveal(), file.part)));
    return &keys_.emplace(file, std::move(key)).first->second;
}

/// Whether the key opens it; also where it cannot be taken out for a look inside.
Result<std::optional<DeviceContent>> RestoreLook::open_in_memory(const std::string& device,
                                                                 const std::string& header_place,
                                                                 const Secret& secret) {
    const VolumePlace place{header_place, 0, 0};
    const Result<VolumeKey> unlocked = headers_.unlock(place, KeyKind::passphrase, secret);
    if (unlocked) {
        return system_.content_within(device, *unlocked);
    }
    if (unlocked.error().code() != Code::encryption_unsupported) {
        return unlocked.error();
    }
    const Result<int> opened = headers_.try_key(place, KeyKind::passphrase, secret);
    return opened ? Result<std::optional<DeviceContent>>(std::nullopt) : opened.error();
}

Proof RestoreLook::try_keys(const ProofWanted& wanted) {
    Proof proof{.device = wanted.device, .header_file = wanted.header_file};
    const Result<std::string> header_file =
        wanted.header_file.empty() ? wanted.header_file : system_.resolve(wanted.header_file);
    const std::string& place = header_file && !header_file->empty() ? *header_file : wanted.device;
    std::vector<const Secret*> tried;
    std::optional<Error> refusal;
    for (const KeyFile& file : wanted.keys) {
        const Result<const Secret*> secret = key(file);
        if (!secret) {
            refusal = refusal ? refusal : secret.error();
            continue;
        }
        const bool again = *secret != nullptr && std::ranges::any_of(tried, [&](const Secret* one) {
            return one->reveal() == (*secret)->reveal();
        });
        if (*secret == nullptr || again) {
            continue;
        }
        tried.push_back(*secret);
        tell_(fmt::format("trying the key file '{}' on '{}'", file.name, place));
        const auto content = open_in_memory(wanted.device, place, **secret);
        if (content) {
            proof.key = file;
            proof.content = *content;
            return proof;
        }
        refusal = content.error();
        if (refusal->code() == Code::volume_unreadable) {
            break;  // another key would not change that
        }
    }
    if (refusal) {
        proof.code = refusal->code();
        proof.problem = refusal->sentence();
    }
    return proof;
}

void RestoreLook::prove(RestoreFacts& facts, const RestoreChoices& choices) {
    for (const ProofWanted& wanted : proofs_wanted(facts, choices)) {
        std::string id = wanted.device + '\n' + wanted.header_file;
        for (const KeyFile& file : wanted.keys) {
            id += '\n' + file.volume + '\n' + file.name;
        }
        auto known = proofs_.find(id);
        if (known == proofs_.end()) {
            known = proofs_.emplace(id, try_keys(wanted)).first;
        }
        facts.proofs.push_back(known->second);
    }
}

void RestoreLook::check_filesystems(RestoreFacts& facts, const RestoreChoices& choices) {
    facts.filesystems = filesystems_;
    const RestorePlan plan = plan_restore(facts, choices);
    for (const RestoreStep& step : plan.steps) {
        const auto* mount = std::get_if<MountFilesystem>(&step.action);
        const RestoreDevice* device = mount != nullptr ? device_at(facts, mount->source) : nullptr;
        if (device == nullptr || filesystems_.contains(device->path)) {
            continue;
        }
        tell_(fmt::format("checking the filesystem on '{}' without writing", device->path));
        filesystems_[device->path] = check_filesystem(system_, *device);
    }
    facts.filesystems = filesystems_;
}

}  // namespace stillpoint
