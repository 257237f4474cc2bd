// SPDX-License-Identifier: Apache-2.0
#include "agent/configuration.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <iterator>
#include <memory>

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

}  // namespace

Configuration load_configuration() {
    Configuration configuration;
    std::vector<std::string>& warnings = configuration.warnings;
    take(parse_agent_config(read_or_nothing(kAgentConfig, warnings)), configuration.ours, warnings);
    take(parse_vmbackup_config(read_or_nothing(kVmBackupConfig, warnings)), configuration.vmbackup,
         warnings);
    take(parse_workload_config(read_or_nothing(kWorkloadConfig, warnings)), configuration.workload,
         warnings);
    return configuration;
}

}  // namespace stillpoint
