// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "platform/file_store.h"

namespace stillpoint {

/// What a status file on the disk says, ours or our predecessor's.
struct StatusGist {
    int code = 0;
    std::string task_id;
    bool ended = false;  // it says how the run ended

    bool operator==(const StatusGist&) const = default;
};

/// No value when `text` is no status document.
std::optional<StatusGist> read_status(std::string_view text);

/// The newest document about `task_id` in `folder`, also a retired one (sequence.h), whole.
/// No value when there is none.
std::optional<std::string> find_task_document(const FileStore& folder, std::string_view task_id);

}  // namespace stillpoint
