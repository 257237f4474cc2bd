// SPDX-License-Identifier: Apache-2.0
#include "agent/handler_context.h"

#include <climits>
#include <cstdlib>

#include <unistd.h>

#include "base/format.h"
#include "handlers/settings.h"
#include "handlers/status_reader.h"

namespace stillpoint {
namespace {

constexpr const char* kAzureFolder = "/etc/azure";

std::string working_directory() {
    char path[PATH_MAX];
    return ::getcwd(path, sizeof path) != nullptr ? path : "";
}

std::string parent_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

/// State that outlives a version has a folder of its own. Where that cannot be written (a read-only
/// /var/lib), it lasts as long as the version, as it did with the extension before us.
std::string durable_folder_or(const std::string& folder) {
    using linux_os::DirectoryStore;
    return DirectoryStore::open(kDurableFolder, DirectoryStore::Missing::created) &&
                   ::access(kDurableFolder, W_OK) == 0
               ? kDurableFolder
               : folder;
}

}  // namespace

Result<HandlerContext> HandlerContext::load() {
    using linux_os::DirectoryStore;
    const std::string folder = working_directory();
    Result<DirectoryStore> extension = DirectoryStore::open(folder);
    if (!extension) {
        return extension.error();
    }
    const Result<std::string> text = extension->read("HandlerEnvironment.json");
    if (!text) {
        return fail(Code::file_unreadable,
                    fmt::format("'{}' is not an extension's folder as the VM agent lays it out",
                                folder))
            .caused_by(text.error());
    }
    Result<HandlerEnvironment> environment = parse_handler_environment(*text);
    if (!environment) {
        return environment.error();
    }
    Result<DirectoryStore> config = DirectoryStore::open(environment->config_folder);
    Result<DirectoryStore> status =
        DirectoryStore::open(environment->status_folder, DirectoryStore::Missing::created);
    std::string durable_folder = durable_folder_or(folder);
    Result<DirectoryStore> durable = DirectoryStore::open(durable_folder);
    for (const Result<DirectoryStore>* store : {&config, &status, &durable}) {
        if (!*store) {
            return store->error();
        }
    }
    return HandlerContext(std::move(*environment), folder, std::move(*config), std::move(*status),
                          std::move(*extension), std::move(durable_folder), std::move(*durable));
}

HandlerContext::HandlerContext(HandlerEnvironment environment, std::string folder,
                               linux_os::DirectoryStore config, linux_os::DirectoryStore status,
                               linux_os::DirectoryStore extension, std::string durable_folder,
                               linux_os::DirectoryStore durable)
    : environment_(std::move(environment)),
      folder_(std::move(folder)),
      folder_name_(folder_.substr(folder_.rfind('/') + 1)),
      agent_folder_(parent_of(folder_)),
      config_(std::move(config)),
      status_(std::move(status)),
      extension_(std::move(extension)),
      durable_folder_(std::move(durable_folder)),
      durable_(std::move(durable)) {}

std::optional<int> HandlerContext::sequence() const {
    const char* variable = std::getenv("ConfigSequenceNumber");
    if (variable != nullptr) {
        if (const auto number = parse_sequence(variable)) {
            return number;
        }
    }
    const auto names = config_.list();
    return names ? newest_sequence(*names) : std::nullopt;
}

std::string HandlerContext::machine_identity() const {
    const auto folder = linux_os::DirectoryStore::open(agent_folder_);
    const auto xml =
        folder ? folder->read("HostingEnvironmentConfig.xml") : Result<std::string>(folder.error());
    return xml ? parse_machine_identity(*xml) : std::string();
}

bool HandlerContext::has_ended(int sequence) const {
    const Result<std::string> text = status_.read(fmt::format("{}.status", sequence));
    const auto gist = text ? read_status(*text) : std::nullopt;
    return gist && gist->ended;
}

Result<void> HandlerContext::forget_protected_settings(int sequence, const std::string& text) {
    const Result<std::string> without = without_protected_settings(text);
    if (!without) {
        return without.error();
    }
    return *without == text ? Result<void>()
                            : config_.replace(fmt::format("{}.settings", sequence), *without);
}

Result<void> HandlerContext::write_status(int sequence, const StatusDocument& document) {
    return status_.replace(fmt::format("{}.status", sequence), render_status_file(document));
}

DocumentOrigin HandlerContext::origin(const Clock& clock) {
    DocumentOrigin origin{.handler_name = environment_.name,
                          .handler_version = environment_.version,
                          .machine_id = {},
                          .time = clock.wall_now()};
    auto azure =
        linux_os::DirectoryStore::open(kAzureFolder, linux_os::DirectoryStore::Missing::created);
    // Without it the document names no machine, which the vault accepts.
    const Result<std::string> id =
        azure ? unique_machine_id(*azure, machine_identity()) : azure.error();
    if (id) {
        origin.machine_id = *id;
    }
    return origin;
}

}  // namespace stillpoint
