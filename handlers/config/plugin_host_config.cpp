// SPDX-License-Identifier: Apache-2.0
#include "handlers/config/plugin_host_config.h"

#include <algorithm>
#include <optional>

#include "base/format.h"

namespace stillpoint {
namespace {

constexpr std::string_view kSection = "pre_post";
constexpr char kUsualScriptConfig[] = "/etc/azure/VMSnapshotScriptPluginConfig.json";
constexpr std::chrono::seconds kLongestTimeout{1800};
// Nobody has more than a few; each may cost a process and as many descriptors as it has scripts.
constexpr int kMostPlugins = 32;

class Reader {
public:
    Reader(std::string_view text, std::string file)
        : file_(std::move(file)), ini_(parse_ini(text)), warnings_(file_) {}

    Result<ReadConfig<PluginHostConfig>> read() {
        warnings_.add_faults(ini_);
        read_timeout();
        const IniEntry* number = find("numberofplugins");
        if (number == nullptr) {
            return wrong("[pre_post] numberOfPlugins is missing");
        }
        const std::optional<int> count = parse_count(number->value);
        if (!count || *count > kMostPlugins) {
            return wrong(fmt::format(
                "line {}, [pre_post] numberOfPlugins = '{}': it is no whole number up to {}",
                number->line, printable(number->value), kMostPlugins));
        }
        for (int i = 0; i < *count; ++i) {
            if (const Result<void> added = add_plugin(i); !added) {
                return added.error();
            }
        }
        return ReadConfig<PluginHostConfig>{std::move(config_), warnings_.taken()};
    }

private:
    void read_timeout() {
        const IniEntry* entry = find("timeoutinseconds");
        if (entry == nullptr) {
            return;
        }
        const std::optional<int> seconds = parse_count(entry->value);
        if (seconds && *seconds > 0) {
            config_.timeout = std::min(std::chrono::seconds(*seconds), kLongestTimeout);
        } else {
            warnings_.add(*entry, "it is no whole number of seconds above 0",
                          shown(config_.timeout) + " is used");
        }
    }

    /// pluginPath, where a module would be loaded from, is not read: nothing is loaded.
    Result<void> add_plugin(int at) {
        const IniEntry* name = find(fmt::format("pluginname{}", at));
        const IniEntry* path = find(fmt::format("pluginconfigpath{}", at));
        if (name == nullptr || path == nullptr) {
            return wrong(fmt::format("[pre_post] plugin{}{} is missing",
                                     name == nullptr ? "Name" : "ConfigPath", at));
        }
        if (name->value != kScriptRunner) {
            return wrong(fmt::format(
                "line {}, [pre_post] pluginName{} = '{}': only '{}' is supported, and no other "
                "code is loaded",
                name->line, at, printable(name->value), kScriptRunner));
        }
        if (path->value.empty() ||
            path->value.find_first_of(std::string_view("\0\n", 2)) != std::string::npos) {
            return wrong(fmt::format("line {}, [pre_post] pluginConfigPath{} = '{}': it is no path",
                                     path->line, at, printable(path->value)));
        }
        config_.script_configs.push_back(path->value);
        return {};
    }

    /// The last of equal keys rules.
    const IniEntry* find(std::string_view key) const {
        const auto found = std::find_if(
            ini_.entries.rbegin(), ini_.entries.rend(),
            [&](const IniEntry& entry) { return entry.section == kSection && entry.key == key; });
        return found == ini_.entries.rend() ? nullptr : &*found;
    }

    Error wrong(const std::string& what) const {
        return fail(Code::plugin_host_config_malformed,
                    fmt::format("'{}': {}", printable(file_), what));
    }

    std::string file_;
    Ini ini_;
    ConfigWarnings warnings_;
    PluginHostConfig config_;
};

}  // namespace

PluginHostConfig shipped_plugin_host_config() {
    return {.script_configs = {kUsualScriptConfig}};
}

Result<ReadConfig<PluginHostConfig>> parse_plugin_host_config(std::string_view text,
                                                              std::string file) {
    return Reader(text, std::move(file)).read();
}

}  // namespace stillpoint
