// SPDX-License-Identifier: Apache-2.0
#include "handlers/config/proxy_choice.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "handlers/config/proxy_url.h"
#include "handlers/config/waagent_config.h"

namespace stillpoint {
namespace {

using Server = std::shared_ptr<const ProxyServer>;

std::string upper(std::string name) {
    std::ranges::transform(name, name.begin(), [](char c) {
        return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    });
    return name;
}

/// The environment's proxies. A variable of the process hides the file's of that name.
class Environment {
public:
    Environment(const ProxySources& sources, std::vector<std::string>& warnings)
        : process_(sources.process),
          file_(parse_environment_file(sources.environment_file)),
          warnings_(warnings) {}

    /// Of the first of the variables that names one.
    Server proxy(std::initializer_list<const char*> names) {
        for (const char* name : names) {
            for (const std::string& spelling : {std::string(name), upper(name)}) {
                const Variable* variable = find(spelling);
                if (variable == nullptr || variable->value.empty()) {
                    continue;
                }
                Result<ProxyServer> proxy =
                    parse_proxy(variable->value, source_of(spelling, *variable));
                if (proxy) {
                    return std::make_shared<const ProxyServer>(std::move(*proxy));
                }
                warn(spelling, *variable, proxy.error().message());
            }
        }
        return nullptr;
    }

    std::vector<std::string> exceptions() {
        for (const char* name : {"no_proxy", "NO_PROXY"}) {
            if (const Variable* variable = find(name)) {
                return split_exceptions(variable->value);
            }
        }
        return {};
    }

private:
    const Variable* find(const std::string& name) const {
        for (const Variables* variables : {&process_, &file_}) {
            if (const auto found = variables->find(name); found != variables->end()) {
                return &found->second;
            }
        }
        return nullptr;
    }

    static std::string source_of(const std::string& name, const Variable& variable) {
        return variable.line == 0 ? "the environment's '" + name + "'"
                                  : "'" + std::string(kEnvironmentFile) + "'";
    }

    void warn(const std::string& name, const Variable& variable, const std::string& why) {
        const std::string instead = "that proxy is not used";
        if (variable.line == 0) {
            warnings_.push_back(source_of(name, variable) + ": " + why + "; " + instead);
            return;
        }
        ConfigWarnings one(kEnvironmentFile);
        one.add_secret(variable.line, name, why, instead);
        std::ranges::move(one.taken(), std::back_inserter(warnings_));
    }

    const Variables& process_;
    Variables file_;
    std::vector<std::string>& warnings_;
};

}  // namespace

std::vector<std::string> proxy_variables() {
    std::vector<std::string> names = {"https_proxy", "http_proxy", "all_proxy", "no_proxy"};
    for (std::size_t i = 0; i < 4; ++i) {
        names.push_back(upper(names[i]));
    }
    return names;
}

ReadConfig<std::shared_ptr<ProxyRules>> choose_proxies(const AgentConfig& ours,
                                                       const ProxySources& sources) {
    ReadConfig<std::shared_ptr<ProxyRules>> read;
    ProxyRules::Settings settings;
    settings.local_hosts = {ours.host.host};
    Environment environment(sources, read.warnings);
    settings.exceptions = ours.no_proxy ? *ours.no_proxy : environment.exceptions();
    if (!ours.proxies_off) {
        Server one = ours.proxy;
        if (!one) {
            ReadConfig<WaagentConfig> waagent = parse_waagent_config(sources.waagent_config);
            one = waagent.config.proxy;
            std::ranges::move(waagent.warnings, std::back_inserter(read.warnings));
        }
        settings.for_tls = one ? one : environment.proxy({"https_proxy", "all_proxy"});
        settings.for_plain = one ? one : environment.proxy({"http_proxy", "all_proxy"});
    }
    read.config = std::make_shared<ProxyRules>(std::move(settings));
    return read;
}

}  // namespace stillpoint
