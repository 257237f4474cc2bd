// SPDX-License-Identifier: Apache-2.0
#include "handlers/explain.h"

#include <charconv>

#include "base/format.h"
#include "manifest/catalogue.h"

namespace stillpoint {
namespace {

std::string describe(const PublishedError& error) {
    std::string text = fmt::format("{} {}\n  {}\n  health: {}\n", error.code, error.name,
                                   error.message, error.health);
    if (!error.cause.empty()) {
        text += fmt::format("  cause: {}\n", error.cause);
    }
    if (!error.action.empty()) {
        text += fmt::format("  what to do: {}\n", error.action);
    }
    text += fmt::format("  retry: {}\n", error.retry);
    if (!error.portal.empty()) {
        text += fmt::format("  in the portal: {}\n", error.portal);
    }
    for (const CodeEntry& entry : code_entries()) {
        if (entry.published == error.code) {
            text += fmt::format("  in the log: {}: {}\n", name_of(entry.code), entry.summary);
        }
    }
    return text;
}

}  // namespace

Result<std::string> explain(std::string_view code) {
    int number = 0;
    const auto parsed = std::from_chars(code.data(), code.data() + code.size(), number);
    if (parsed.ec == std::errc() && parsed.ptr == code.data() + code.size()) {
        if (const PublishedError* found = find_published(number)) {
            return describe(*found);
        }
    } else if (const PublishedError* found = find_published(code)) {
        return describe(*found);
    } else if (const auto inner = find_code(code)) {
        const CodeEntry& entry = entry_of(*inner);
        return fmt::format("{}: {}\n\nReported as:\n{}", code, entry.summary,
                           describe(*find_published(entry.published)));
    } else if (const ServiceError* error = find_service_error(code)) {
        return fmt::format(
            "{}\n  {}\n  cause: {}\n  what to do: {}\n  reported by: the backup service itself\n",
            error->name, error->message, error->cause, error->action);
    }
    return fail(Code::usage,
                fmt::format("there is no code '{}'; docs/errors.md lists them all", code));
}

}  // namespace stillpoint
