// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "base/format.h"
#include "restore/reinstall.h"

namespace stillpoint {
namespace {

using Json = nlohmann::ordered_json;

struct ActionName {
    const char* operator()(const MountKeyVolume&) const { return "mount_key_volume"; }
    const char* operator()(const RepairHeader&) const { return "repair_header"; }
    const char* operator()(const OpenVolume&) const { return "open_volume"; }
    const char* operator()(const LookInside&) const { return "look_inside"; }
    const char* operator()(const RenameVolumeGroup&) const { return "rename_volume_group"; }
    const char* operator()(const ActivateVolumeGroup&) const { return "activate_volume_group"; }
    const char* operator()(const ReplaceTable&) const { return "replace_table"; }
    const char* operator()(const MountFilesystem&) const { return "mount_filesystem"; }
    const char* operator()(const ResetState&) const { return "reset_state"; }
};

Json describe(const RestoreStep& step, const char* state) {
    Json json = {
        {"do", std::visit(ActionName(), step.action)}, {"sentence", step.does}, {"state", state}};
    const auto add = [&](const char* key, std::string_view text) {
        if (!text.empty()) {
            json[key] = text;
        }
    };
    add("changes", step.changes);
    add("undo", step.undo);
    add("permission", option_for(step.permission));
    if (const auto* reset = std::get_if<ResetState>(&step.action)) {
        json["files"] = reset->files;
    }
    return json;
}

void add_section(std::string& text, std::string_view title, const std::vector<std::string>& lines) {
    if (lines.empty()) {
        return;
    }
    text += fmt::format("{}:\n", title);
    for (const std::string& line : lines) {
        text += fmt::format("  - {}\n", line);
    }
}

std::vector<std::string> sentences(const std::vector<RestoreStep>& steps) {
    std::vector<std::string> lines;
    for (const RestoreStep& step : steps) {
        std::string line = step.does;
        if (!step.changes.empty()) {
            line += fmt::format(" (changes {})", step.changes);
        }
        lines.push_back(std::move(line));
    }
    return lines;
}

std::vector<std::string> sentences(const std::vector<LeftAlone>& left) {
    std::vector<std::string> lines;
    for (const LeftAlone& one : left) {
        std::string line = fmt::format("{}: {} [{}]", one.what, one.why, name_of(one.code));
        if (one.permission != Permission::none) {
            line += fmt::format("; {} {}", option_for(one.permission), one.does);
        }
        lines.push_back(std::move(line));
    }
    return lines;
}

const char* verdict(const ReinstallResult& result) {
    if (!result.not_put_back.empty()) {
        return "rollback_incomplete";
    }
    if (result.failure) {
        return result.done.empty() ? "failed_and_rolled_back" : "failed_after_a_lasting_change";
    }
    return exit_code_of(result) == 0 ? "nothing_remains" : "something_remains";
}

}  // namespace

std::string reinstall_text(const ReinstallResult& result) {
    std::string text;
    std::vector<std::string> not_put_back;
    for (const Error& error : result.not_put_back) {
        not_put_back.push_back(error.sentence());
    }
    add_section(text, "Found", result.plan.findings);
    add_section(text, result.failure ? "Done, and stays" : "Done", sentences(result.done));
    add_section(text, "Done, and taken back", sentences(result.taken_back));
    add_section(text, "Could not be put back", not_put_back);
    add_section(text, "Kept", result.copies);
    if (result.failure) {
        add_section(
            text, "Failed",
            {result.failed_step ? result.failed_step->does + ": " + result.failure->sentence()
                                : result.failure->sentence()});
        return text;
    }
    add_section(text, result.applied ? "Not done" : "Would be done, with --apply",
                sentences(result.plan.steps));
    add_section(text, "Left alone", sentences(result.plan.left));
    add_section(text, "To do by hand", result.plan.by_hand);
    if (exit_code_of(result) == 0) {
        text += result.done.empty() ? "Everything is open and mounted: there is nothing to do.\n"
                                    : "Everything is open and mounted.\n";
    }
    return text;
}

std::string reinstall_json(const ReinstallResult& result) {
    Json steps = Json::array();
    for (const RestoreStep& step : result.done) {
        steps.push_back(describe(step, "done"));
    }
    for (const RestoreStep& step : result.taken_back) {
        steps.push_back(describe(step, "taken_back"));
    }
    if (result.failed_step) {
        steps.push_back(describe(*result.failed_step, "failed"));
    } else {
        for (const RestoreStep& step : result.plan.steps) {
            steps.push_back(describe(step, step.later ? "later" : "planned"));
        }
    }
    Json left = Json::array();
    for (const LeftAlone& one : result.plan.left) {
        Json json = {{"what", one.what}, {"code", name_of(one.code)}, {"why", one.why}};
        if (one.permission != Permission::none) {
            json["permission"] = option_for(one.permission);
            json["permission_does"] = one.does;
        }
        left.push_back(std::move(json));
    }
    Json json = {{"format", 1},
                 {"applied", result.applied},
                 {"restored", nullptr},
                 {"result", verdict(result)},
                 {"exit_code", exit_code_of(result)},
                 {"findings", result.plan.findings},
                 {"steps", steps},
                 {"left", left},
                 {"by_hand", result.plan.by_hand},
                 {"copies", result.copies}};
    if (result.plan.restored) {
        json["restored"] = *result.plan.restored;
    }
    if (result.failure) {
        json["failure"] = {{"code", name_of(result.failure->code())},
                           {"why", result.failure->sentence()}};
    }
    for (const Error& error : result.not_put_back) {
        json["not_put_back"].push_back(error.sentence());
    }
    return json.dump(2, ' ', true, Json::error_handler_t::replace) + "\n";
}

}  // namespace stillpoint
