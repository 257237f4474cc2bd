// SPDX-License-Identifier: Apache-2.0
#include "handlers/status_reader.h"

#include "handlers/handler_environment.h"
#include "handlers/json_reader.h"
#include "handlers/status_document.h"
#include "handlers/status_map.h"

namespace stillpoint {

std::optional<StatusGist> read_status(std::string_view text) {
    const Result<Json> document = parse_json(text, "status");
    if (!document || !document->is_array() || document->empty()) {
        return std::nullopt;
    }
    const JsonField root(document->front(), "status");
    const auto status = root.find("status");
    const auto code = status ? status->find("code") : std::nullopt;
    if (!code) {
        return std::nullopt;
    }
    // Text since the days of our predecessor, a number in the general form of the document.
    const std::string code_text =
        code->json().is_string() ? code->json().get<std::string>() : json_text(code->json());
    const auto number = parse_sequence(code_text);
    if (!number) {
        return std::nullopt;
    }
    StatusGist gist;
    gist.code = *number;
    if (const auto task = status->find("taskId")) {
        gist.task_id = task->as_string() ? *task->as_string() : std::string();
    }
    const auto word = status->find("status");
    gist.ended =
        gist.code != transition_verdict().code && (!word || word->json() != "transitioning");
    return gist;
}

std::optional<std::string> find_task_document(const FileStore& folder, std::string_view task_id) {
    const auto names = folder.list();
    if (!names || task_id.empty()) {
        return std::nullopt;
    }
    for (const std::string& name : *names) {
        if (!name.ends_with(".status") && !name.ends_with("_status")) {
            continue;
        }
        auto text = folder.read(name, 2 * kStatusLimitBytes);
        const auto gist = text ? read_status(*text) : std::nullopt;
        if (gist && gist->task_id == task_id) {
            return *std::move(text);
        }
    }
    return std::nullopt;
}

}  // namespace stillpoint
