// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "snapshot/transport.h"

namespace stillpoint::testing {

/// Snapshots in memory. Enforces the order: prepared once, then taken once.
class FakeTransport final : public SnapshotTransport {
public:
    FakeTransport(const Clock& clock, std::vector<std::string>* journal = nullptr)
        : clock_(clock), journal_(journal) {}

    std::optional<Error> prepare_error;
    std::optional<Error> refresh_error;
    SnapshotOutcome::By by = SnapshotOutcome::By::host;
    int disks = 1;
    /// Errors of single disks, by index.
    std::vector<std::pair<std::size_t, Error>> failures;
    std::optional<Error> request_error;
    std::function<void()> while_taking;

    Result<void> prepare(Deadline deadline) override {
        note("prepare");
        EXPECT_FALSE(deadline.passed(clock_.now()));
        EXPECT_FALSE(taken_) << "prepared after it was taken";
        prepared_ = !prepare_error;
        return prepare_error ? Result<void>(*prepare_error) : Result<void>();
    }
    Result<void> refresh(Deadline deadline) override {
        note("refresh");
        EXPECT_FALSE(deadline.passed(clock_.now()));
        EXPECT_TRUE(prepared_) << "refreshed without being prepared";
        return refresh_error ? Result<void>(*refresh_error) : Result<void>();
    }
    SnapshotOutcome take() override {
        note("take");
        EXPECT_TRUE(prepared_) << "taken without being prepared";
        EXPECT_FALSE(std::exchange(taken_, true)) << "taken twice";
        SnapshotOutcome outcome;
        outcome.by = by;
        outcome.first_sent = clock_.now();
        if (while_taking) {
            while_taking();
        }
        outcome.last_reply = clock_.now();
        outcome.answered = !request_error;
        outcome.error = request_error;
        if (by == SnapshotOutcome::By::host) {
            outcome.host_status = request_error ? 555 : 200;
        }
        for (int i = 0; i < (request_error ? 0 : disks); ++i) {
            DiskOutcome disk;
            disk.successful = true;
            disk.status_code = 200;
            disk.snapshot_uri = "https://disk" + std::to_string(i) + ".test/c/d?snapshot=now";
            outcome.disks.push_back(std::move(disk));
        }
        for (const auto& [index, error] : failures) {
            outcome.disks.at(index).successful = false;
            outcome.disks.at(index).error = error;
        }
        return outcome;
    }

private:
    void note(const char* what) {
        if (journal_ != nullptr) {
            journal_->emplace_back(what);
        }
    }

    const Clock& clock_;
    std::vector<std::string>* journal_;
    bool prepared_ = false;
    bool taken_ = false;
};

}  // namespace stillpoint::testing
