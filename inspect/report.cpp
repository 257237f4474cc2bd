// SPDX-License-Identifier: Apache-2.0
#include "inspect/report.h"

#include <algorithm>

#include "base/format.h"

namespace stillpoint {
namespace {

std::string subject(const VolumeReport& volume) {
    return volume.partition.number == 0 ? "the volume"
                                        : fmt::format("partition {}", volume.partition.number);
}

bool is_problem(FilesystemVerdict verdict) {
    switch (verdict) {
        case FilesystemVerdict::needs_replay:
        case FilesystemVerdict::errors:
        case FilesystemVerdict::unreadable:
            return true;
        case FilesystemVerdict::clean:
        case FilesystemVerdict::still:
        case FilesystemVerdict::no_replay:
        case FilesystemVerdict::was_mounted:
        case FilesystemVerdict::not_told:
            return false;
    }
    return true;
}

/// Its sentence says what nobody can tell.
bool is_gap(FilesystemVerdict verdict) {
    return verdict == FilesystemVerdict::no_replay || verdict == FilesystemVerdict::was_mounted ||
           verdict == FilesystemVerdict::not_told;
}

bool no_key_opens(const VolumeReport& volume) {
    return !volume.keys.empty() &&
           std::ranges::all_of(volume.keys, [](const KeyTrial& trial) { return trial.mismatch; });
}

std::string problem_of(const VolumeReport& volume, const Content& content) {
    if (!content.problem.empty()) {
        return content.problem;
    }
    if (content.kind == ContentKind::nothing_recognised && volume.partition.number == 0) {
        return volume.opened ? "nothing is recognised inside it" : "nothing is recognised on it";
    }
    return content.filesystem && is_problem(content.filesystem->verdict)
               ? fmt::format("{}: {}", content.name, content.filesystem->sentence)
               : "";
}

void add_problems(const VolumeReport& volume, std::vector<std::string>& problems) {
    const auto add = [&](const std::string& sentence) {
        problems.push_back(fmt::format("{}: {}", subject(volume), sentence));
    };
    if (!volume.problem.empty()) {
        add(volume.problem);
    }
    if (volume.encryption && volume.encryption->state != HeaderState::sound) {
        add(volume.encryption->problem);
    }
    for (const KeyTrial& trial : volume.keys) {
        if (!trial.problem.empty()) {
            add(fmt::format("{} could not be tried: {}", trial.key, trial.problem));
        }
    }
    if (no_key_opens(volume)) {
        add("no key that was given opens it");
    }
    const std::string problem = volume.content ? problem_of(volume, *volume.content) : "";
    if (!problem.empty()) {
        add(problem);
    }
}

/// BIOS boot, Microsoft reserved: space for a boot loader or for Windows itself.
bool holds_no_filesystem(std::string_view partition_type) {
    return partition_type == "21686148-6449-6e6f-744e-656564454649" ||
           partition_type == "e3c9e316-0b5c-4db8-817d-f92df00215ae";
}

/// Why the state of what is on it is not known; empty: it is, or there is nothing to know.
std::string gap_in(const VolumeReport& volume) {
    if (!volume.content) {
        return volume.not_looked_at;
    }
    const Content& content = *volume.content;
    if (!problem_of(volume, content).empty()) {
        return "";
    }
    switch (content.kind) {
        case ContentKind::nothing_recognised:
            return holds_no_filesystem(volume.partition.type) ? "" : "nothing recognised";
        case ContentKind::lvm_member:
            return "LVM physical volume: its filesystems are not looked at";
        case ContentKind::raid_member:
            return "member of a Linux RAID array: its filesystems are not looked at";
        case ContentKind::other:
            return fmt::format("{}: recognised, not looked at", content.name);
        case ContentKind::swap:
            return "";
        case ContentKind::filesystem:
            return content.filesystem && is_gap(content.filesystem->verdict)
                       ? fmt::format("{}: {}", content.name, content.filesystem->sentence)
                       : "";
    }
    return "";
}

/// Something was found on it that could be right or wrong.
bool is_judged(const VolumeReport& volume) {
    return volume.encryption ||
           (volume.content && volume.content->kind != ContentKind::nothing_recognised);
}

}  // namespace

std::string_view conclusion_of(const ImageReport& report) {
    if (!problems_of(report).empty()) {
        return "";
    }
    if (std::ranges::none_of(report.volumes, is_judged)) {
        return "nothing on it could be judged";
    }
    return gaps_of(report).empty() ? "nothing speaks against it"
                                   : "nothing speaks against what could be judged";
}

std::vector<std::string> problems_of(const ImageReport& report) {
    std::vector<std::string> problems;
    if (!report.form.problem.empty()) {
        problems.push_back(report.form.problem);
    }
    problems.insert(problems.end(), report.table_problems.begin(), report.table_problems.end());
    for (const VolumeReport& volume : report.volumes) {
        add_problems(volume, problems);
    }
    for (const std::string& key : report.unused_keys) {
        problems.push_back(fmt::format("{} opens nothing", key));
    }
    return problems;
}

std::vector<std::string> gaps_of(const ImageReport& report) {
    std::vector<std::string> gaps;
    for (const VolumeReport& volume : report.volumes) {
        if (const std::string gap = gap_in(volume); !gap.empty()) {
            gaps.push_back(fmt::format("{}: {}", subject(volume), gap));
        }
    }
    return gaps;
}

}  // namespace stillpoint
