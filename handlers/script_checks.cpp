// SPDX-License-Identifier: Apache-2.0
#include "handlers/script_checks.h"

#include <algorithm>
#include <array>

#include "base/format.h"
#include "handlers/config/plugin_host_config.h"
#include "handlers/config/script_config.h"

namespace stillpoint {
namespace {

constexpr std::size_t kConfigLimitBytes = 1 << 20;
constexpr unsigned kOthers = 0077;  // any right of group or others
constexpr unsigned kOthersMoreThanRead = 0033;
constexpr unsigned kExecutable = 0100;

/// The codes of one kind of file.
struct Faults {
    Code missing;
    Code permissions;
    Code owner;
};
constexpr Faults kScriptConfig{Code::script_config_missing, Code::script_config_permissions,
                               Code::script_config_owner};
constexpr Faults kPre{Code::pre_script_missing, Code::pre_script_permissions,
                      Code::pre_script_permissions};
constexpr Faults kPost{Code::post_script_missing, Code::post_script_permissions,
                       Code::post_script_permissions};

class Checks {
public:
    explicit Checks(ScriptSystem& system) : system_(system) {}

    CheckedScripts run() {
        if (const Result<void> done = check_all(); !done) {
            checked_.error = done.error();
        }
        return std::move(checked_);
    }

private:
    using File = std::shared_ptr<const ScriptFile>;

    Result<void> check_all() {
        const Result<PluginHostConfig> host = host_config();
        if (!host) {
            return host.error();
        }
        checked_.phase_limit = host->timeout;
        for (const std::string& path : host->script_configs) {
            if (const Result<void> added = add_plugin(path, host->timeout); !added) {
                return added.error();
            }
        }
        return {};
    }

    Result<PluginHostConfig> host_config() {
        const std::string path = kPluginHostConfig;
        const Result<File> file = system_.open(path);
        if (!file) {
            return fail(Code::plugin_host_config_missing, "cannot open '" + path + "'")
                .caused_by(file.error());
        }
        if (*file == nullptr || !(*file)->facts().regular) {
            return shipped_plugin_host_config();
        }
        const FileFacts& facts = (*file)->facts();
        if ((facts.mode & kOthersMoreThanRead) != 0) {
            return fail(Code::plugin_host_config_permissions,
                        fmt::format("'{}' has mode {:04o}: group and others may do more than read "
                                    "it",
                                    path, facts.mode));
        }
        if (!facts.owned_by_root) {
            return fail(Code::plugin_host_config_owner, "'" + path + "' does not belong to root");
        }
        warn_of_folder(path, facts);
        const Result<std::string> text = (*file)->read(kConfigLimitBytes);
        if (!text) {
            return fail(Code::plugin_host_config_malformed, "cannot read '" + path + "'")
                .caused_by(text.error());
        }
        Result<ReadConfig<PluginHostConfig>> read = parse_plugin_host_config(*text, path);
        if (!read) {
            return read.error();
        }
        warn(read->warnings);
        return std::move(read->config);
    }

    Result<void> add_plugin(const std::string& path, std::chrono::seconds host_timeout) {
        const Result<File> file = open_checked(path, "script configuration", kScriptConfig);
        if (!file) {
            return file.error();
        }
        const Result<std::string> text = (*file)->read(kConfigLimitBytes);
        if (!text) {
            return fail(Code::script_config_malformed, "cannot read '" + path + "'")
                .caused_by(text.error());
        }
        Result<ReadConfig<ScriptConfig>> read = parse_script_config(*text, path);
        if (!read) {
            return read.error();
        }
        warn(read->warnings);
        const ScriptConfig& config = read->config;
        checked_.continues.push_back(config.continue_on_failure);
        checked_.freeze = config.freeze;
        checked_.app_name = config.app_name;
        const auto limit = std::min(config.timeout, host_timeout);
        const Result<File> pre = open_checked(config.pre.location, "pre script", kPre);
        if (!pre) {
            return pre.error();
        }
        const Result<File> post = open_checked(config.post.location, "post script", kPost);
        if (!post) {
            return post.error();
        }
        checked_.pairs.push_back(
            {script_of(config.pre, limit, *pre), script_of(config.post, limit, *post)});
        return {};
    }

    static Script script_of(const ScriptCall& call, std::chrono::seconds limit, File file) {
        return {.location = call.location,
                .parameters = call.parameters,
                .limit = limit,
                .retries = call.retries,
                .file = std::move(file)};
    }

    Result<File> open_checked(const std::string& path, std::string_view what,
                              const Faults& faults) {
        Result<File> file = system_.open(path);
        if (!file) {
            return fail(faults.missing, fmt::format("cannot open the {} '{}'", what, path))
                .caused_by(file.error());
        }
        if (*file == nullptr || !(*file)->facts().regular) {
            return fail(faults.missing, *file == nullptr
                                            ? fmt::format("there is no {} '{}'", what, path)
                                            : fmt::format("the {} '{}' is no file", what, path));
        }
        const FileFacts& facts = (*file)->facts();
        const bool config = faults.missing == Code::script_config_missing;
        if ((facts.mode & (config ? kOthers | kExecutable : kOthers)) != 0) {
            return fail(
                faults.permissions,
                fmt::format("the {} '{}' has mode {:04o}: {}", what, path, facts.mode,
                            (facts.mode & kOthers) != 0 ? "group and others must have no rights"
                                                        : "it must not be executable"));
        }
        if (!facts.owned_by_root) {
            return fail(faults.owner,
                        fmt::format("the {} '{}' does not belong to root", what, path));
        }
        warn_of_folder(path, facts);
        return file;
    }

    /// No failure: it was none so far, and what is read and run is the file that was checked.
    void warn_of_folder(const std::string& path, const FileFacts& facts) {
        if (!facts.exchangeable_in.empty()) {
            checked_.warnings.push_back(
                fmt::format("'{}': others than root may exchange what lies in '{}'; the file that "
                            "was checked is used",
                            path, facts.exchangeable_in));
        }
    }

    void warn(const std::vector<std::string>& warnings) {
        checked_.warnings.insert(checked_.warnings.end(), warnings.begin(), warnings.end());
    }

    ScriptSystem& system_;
    CheckedScripts checked_;
};

}  // namespace

CheckedScripts check_scripts(ScriptSystem& system) {
    return Checks(system).run();
}

bool leaves_out_silently(Code code) {
    constexpr std::array kSilent = {
        Code::plugin_host_config_malformed, Code::script_config_malformed,
        Code::plugin_host_config_missing,   Code::plugin_host_config_permissions,
        Code::plugin_host_config_owner,     Code::script_config_missing};
    return std::ranges::find(kSilent, code) != kSilent.end();
}

}  // namespace stillpoint
