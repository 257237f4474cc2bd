// SPDX-License-Identifier: Apache-2.0
#include "handlers/handler_environment.h"

#include <charconv>

#include "base/format.h"
#include "handlers/json_reader.h"

namespace stillpoint {
namespace {

Result<std::string> need_text(const JsonField& object, std::string_view name) {
    const auto field = object.need(name);
    if (!field) {
        return field.error();
    }
    auto text = field->as_string();
    if (text && text->empty()) {
        return fail(Code::settings_malformed, field->path() + ": must not be empty");
    }
    return text;
}

std::optional<std::string> optional_text(const JsonField& object, std::string_view name) {
    const auto field = object.find(name);
    if (!field) {
        return std::nullopt;
    }
    auto text = field->as_string();
    return text && !text->empty() ? std::optional(*std::move(text)) : std::nullopt;
}

}  // namespace

Result<HandlerEnvironment> parse_handler_environment(std::string_view text) {
    const Result<Json> document = parse_json(text, "HandlerEnvironment.json");
    if (!document) {
        return document.error();
    }
    const bool list = document->is_array() && !document->empty();
    const JsonField root(list ? document->front() : *document, "HandlerEnvironment.json");
    const auto folders = root.need("handlerEnvironment");
    if (!folders) {
        return folders.error();
    }
    HandlerEnvironment environment;
    struct Needed {
        const JsonField& from;
        std::string_view name;
        std::string& target;
    };
    const Needed needed[] = {{root, "name", environment.name},
                             {*folders, "logFolder", environment.log_folder},
                             {*folders, "configFolder", environment.config_folder},
                             {*folders, "statusFolder", environment.status_folder}};
    for (const Needed& one : needed) {
        auto value = need_text(one.from, one.name);
        if (!value) {
            return value.error();
        }
        one.target = *std::move(value);
    }
    const auto version = root.need("version");
    if (!version) {
        return version.error();
    }
    environment.version = version->json().is_string() ? version->json().get<std::string>()
                                                      : json_text(version->json());
    environment.heartbeat_file = optional_text(*folders, "heartbeatFile");
    environment.events_folder = optional_text(*folders, "eventsFolder");
    return environment;
}

std::optional<int> parse_sequence(std::string_view variable) {
    const std::size_t first = variable.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos) {
        return std::nullopt;
    }
    variable = variable.substr(first, variable.find_last_not_of(" \t\r\n") - first + 1);
    int number = 0;
    const auto [end, error] =
        std::from_chars(variable.data(), variable.data() + variable.size(), number);
    if (error != std::errc() || end != variable.data() + variable.size() || number < 0) {
        return std::nullopt;
    }
    return number;
}

std::optional<int> newest_sequence(const std::vector<std::string>& names) {
    constexpr std::string_view kSuffix = ".settings";
    for (const std::string& name : names) {
        const std::string_view text = name;
        if (text.ends_with(kSuffix)) {
            if (auto number = parse_sequence(text.substr(0, text.size() - kSuffix.size()))) {
                return number;
            }
        }
    }
    return std::nullopt;
}

std::string extension_version(std::string_view folder) {
    folder = folder.substr(0, folder.find_last_not_of('/') + 1);
    const std::size_t dash = folder.rfind('-');
    return dash == std::string_view::npos ? std::string() : std::string(folder.substr(dash + 1));
}

}  // namespace stillpoint
