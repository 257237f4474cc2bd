// SPDX-License-Identifier: Apache-2.0
#include "manifest/catalogue.h"

#include <algorithm>

namespace stillpoint {
namespace {

#include "manifest/catalogue_rows.inc"

}  // namespace

std::span<const PublishedError> published_errors() {
    return kPublished;
}
std::span<const CodeEntry> code_entries() {
    return kCodes;
}

const PublishedError* find_published(int code) {
    const auto* found = std::ranges::find(kPublished, code, &PublishedError::code);
    return found == std::end(kPublished) ? nullptr : found;
}

const PublishedError* find_published(std::string_view name) {
    const auto* found = std::ranges::find(kPublished, name, &PublishedError::name);
    return found == std::end(kPublished) ? nullptr : found;
}

const ServiceError* find_service_error(std::string_view name) {
    const auto* found = std::ranges::find(kService, name, &ServiceError::name);
    return found == std::end(kService) ? nullptr : found;
}

const CodeEntry& entry_of(Code code) {
    // The enum and the table are generated from the same rows, in the same order.
    return kCodes[static_cast<std::size_t>(code)];
}

std::optional<Code> find_code(std::string_view name) {
    for (const CodeEntry& entry : kCodes) {
        if (name_of(entry.code) == name) {
            return entry.code;
        }
    }
    return std::nullopt;
}

}  // namespace stillpoint
