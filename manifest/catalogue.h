// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "base/code.h"

namespace stillpoint {

/// One published number, as it stands in status documents and recovery-point health. The numbers
/// and names are those of the extension that we replace and never change.
struct PublishedError {
    int code;
    std::string_view name;
    std::string_view health;  // "green", "yellow", "red"; "none": no health was ever published
    int health_state;         // 0, 128, 256
    std::string_view status;  // "success" or "error"
    std::string_view message;
    std::string_view cause;
    std::string_view action;
    std::string_view retry;
    std::string_view portal;
};

/// One of our own codes, and the published number it is reported under.
struct CodeEntry {
    Code code;
    int published;
    std::string_view summary;
};

/// A code that the backup service reports itself, without an agent having a part in it.
struct ServiceError {
    std::string_view name;
    std::string_view message;
    std::string_view cause;
    std::string_view action;
};

std::span<const PublishedError> published_errors();
std::span<const CodeEntry> code_entries();

const PublishedError* find_published(int code);
const PublishedError* find_published(std::string_view name);
const ServiceError* find_service_error(std::string_view name);
const CodeEntry& entry_of(Code code);
std::optional<Code> find_code(std::string_view name);

}  // namespace stillpoint
