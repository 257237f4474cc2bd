// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "restore/plan.h"

namespace stillpoint {

/// What is known before the machine's storage is looked at.
struct RestoreCase {
    std::string root;  // empty: this system's own
    std::optional<PointFacts> point;
    std::string point_problem;
    MachineName machine;
    /// Looked up again each time: it is empty once it was reset.
    std::function<StaleState()> stale_state;
    RestoreChoices choices;
};

/// Looks at the machine for planning; changes nothing. Remembers which keys open what, because
/// trying them takes long.
class RestoreLook {
public:
    /// `tell` gets a sentence before something that takes long.
    RestoreLook(RestoreSystem& system, const EncryptionHeaders& headers,
                std::function<void(const std::string&)> tell)
        : system_(system), headers_(headers), tell_(std::move(tell)) {}

    /// Errors: inventory_unreadable.
    Result<RestoreFacts> look(const RestoreCase& restore,
                              const std::map<std::string, KeptLines>& kept_lines);

private:
    void read_tables(RestoreFacts& facts);
    void find_folders(RestoreFacts& facts);
    void read_headers(RestoreFacts& facts);
    void read_key_volumes(RestoreFacts& facts);
    void read_header_files(RestoreFacts& facts);
    void read_volume_groups(RestoreFacts& facts);
    void prove(RestoreFacts& facts, const RestoreChoices& choices);
    Proof try_keys(const ProofWanted& wanted);
    Result<const Secret*> key(const KeyFile& file);
    Result<std::optional<DeviceContent>> open_in_memory(const std::string& device,
                                                        const std::string& header_place,
                                                        const Secret& secret);
    void check_filesystems(RestoreFacts& facts, const RestoreChoices& choices);

    RestoreSystem& system_;
    const EncryptionHeaders& headers_;
    std::function<void(const std::string&)> tell_;
    std::map<KeyFile, Secret> keys_;
    std::map<std::string, Proof> proofs_;
    std::map<std::string, FilesystemFacts> filesystems_;
};

}  // namespace stillpoint
