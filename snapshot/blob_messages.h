// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "platform/http_client.h"
#include "snapshot/outcome.h"

namespace stillpoint {

using BlobMetadata = std::vector<std::pair<std::string, std::string>>;

/// "https://account.blob.core.windows.net/container/blob": without query, and without the port
/// where it is the scheme's own.
std::string blob_uri(const HttpTarget& blob);

/// The target with "&comp=..." behind its SAS.
HttpTarget with_component(const HttpTarget& blob, const std::string& component);

/// `PUT <blob>&comp=snapshot` with the metadata as x-ms-meta-KEY headers. Errors:
/// settings_malformed, naming the key that would break out of its header.
Result<HttpRequest> snapshot_request(const HttpTarget& blob, const BlobMetadata& metadata);

/// What the storage service's answer means for the disk. Errors in the outcome: blob_unreachable,
/// snapshot_limit_reached, snapshot_rate_exceeded, blob_refused.
DiskOutcome read_snapshot_reply(const HttpTarget& blob, const Result<HttpReply>& reply);

}  // namespace stillpoint
