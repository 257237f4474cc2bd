// SPDX-License-Identifier: Apache-2.0
#include "agent/configuration.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <iterator>
#include <memory>

#include "handlers/config/proxy_choice.h"
#include "handlers/config/waagent_config.h"
#include "platform/linux/directory_store.h"

namespace stillpoint {
namespace {

/// Where a link leads that an administrator put in the file's place; only root can.
std::string resolved(const std::string& path) {
    const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr),
                                                           &std::free);
    return real ? std::string(real.get()) : path;
}

/// The file's text, or nothing. A file that is there and cannot be read is worth a warning.
std::string read_or_nothing(const std::string& named, std::vector<std::string>& warnings) {
    const std::string path = resolved(named);
    const std::size_t slash = path.rfind('/');
    const auto folder = linux_os::DirectoryStore::open(path.substr(0, slash));
    const Result<std::string> text =
        folder ? folder->read(path.substr(slash + 1)) : Result<std::string>(folder.error());
    if (text) {
        return *text;
    }
    for (const Error* error = &text.error(); error != nullptr; error = error->cause()) {
        if (error->os() && error->os()->number == ENOENT) {
            return {};
        }
    }
    warnings.push_back(text.error().sentence() + ": the defaults are used");
    return {};
}

template <class Config>
void take(ReadConfig<Config> read, Config& config, std::vector<std::string>& warnings) {
    config = std::move(read.config);
    std::ranges::move(read.warnings, std::back_inserter(warnings));
}

/// The variables of this process that name proxies and exceptions to them.
Variables network_variables() {
    Variables variables;
    for (const std::string& name : proxy_variables()) {
        if (const char* value = std::getenv(name.c_str()); value != nullptr) {
            variables.emplace(name, Variable{value, 0});
        }
    }
    return variables;
}

ReadConfig<std::shared_ptr<ProxyRules>> read_proxies(const AgentConfig& ours,
                                                     std::vector<std::string>& warnings) {
    ProxySources sources;
    // Other people's files: not to be able to read them is worth a warning only if they are asked.
    std::string waagent;
    std::string environment;
    if (!ours.proxies_off && !ours.proxy) {
        waagent = read_or_nothing(kWaagentConfig, warnings);
    }
    if (!ours.proxies_off) {
        environment = read_or_nothing(kEnvironmentFile, warnings);
    }
    sources.process = network_variables();
    sources.waagent_config = waagent;
    sources.environment_file = environment;
    auto read = choose_proxies(ours, sources);
    wipe(waagent);
    wipe(environment);
    return read;
}

}  // namespace

AgentConfig load_own_configuration(std::vector<std::string>& warnings) {
    AgentConfig ours;
    take(parse_agent_config(read_or_nothing(kAgentConfig, warnings)), ours, warnings);
    return ours;
}

Configuration load_configuration() {
    Configuration configuration;
    std::vector<std::string>& warnings = configuration.warnings;
    configuration.ours = load_own_configuration(warnings);
    take(parse_vmbackup_config(read_or_nothing(kVmBackupConfig, warnings)), configuration.vmbackup,
         warnings);
    take(parse_workload_config(read_or_nothing(kWorkloadConfig, warnings)), configuration.workload,
         warnings);
    take(read_proxies(configuration.ours, warnings), configuration.proxies, warnings);
    return configuration;
}

}  // namespace stillpoint
