// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "platform/http_client.h"
#include "snapshot/blob_messages.h"
#include "snapshot/transport.h"

namespace stillpoint {

/// Every disk by a call of its own to the storage service, all at once.
class BlobTransport final : public SnapshotTransport {
public:
    struct Settings {
        BlobMetadata metadata;  // for every blob
        /// By blob: the encryption settings that its own metadata held, to be kept on the snapshot;
        /// empty: none. Shorter than the list of blobs: none for the rest.
        std::vector<std::string> encryption;
        std::chrono::milliseconds reply_wait = std::chrono::seconds(10);  // from sending
    };

    BlobTransport(HeldHttp& http, const Clock& clock, std::vector<HttpTarget> blobs,
                  Settings settings);

    /// Errors: blobs_missing; blob_unreachable, naming the first blob without a connection: a
    /// recovery point without one of its disks is none; settings_malformed.
    Result<void> prepare(Deadline deadline) override;
    Result<void> refresh(Deadline deadline) override;
    SnapshotOutcome untried() const override;
    SnapshotOutcome take() override;

private:
    std::vector<PreparedRequest*> requests() const;
    Result<void> all_reachable() const;

    HeldHttp& http_;
    const Clock& clock_;
    std::vector<HttpTarget> blobs_;
    Settings settings_;
    std::vector<std::unique_ptr<PreparedRequest>> prepared_;
    std::vector<std::optional<Error>> unreachable_;  // by blob
};

/// The encryption settings in the metadata of each blob, in order, empty where there are none or
/// the blob cannot be read. Before the hold; only for machines with encrypted disks.
std::vector<std::string> read_blob_encryption(HttpClient& http, const Clock& clock,
                                              const std::vector<HttpTarget>& blobs);

}  // namespace stillpoint
