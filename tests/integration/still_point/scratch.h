// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "platform/linux/freeze_still_point.h"
#include "platform/linux/guard/unique_fd.h"
#include "snapshot/plan.h"

namespace stillpoint::testing {

using namespace std::chrono_literals;

/// The scratch filesystems that tests/scratch/scratch.py made for this process: their mount points,
/// from the file that SP_SCRATCH names. Nothing else is ever frozen by these tests.
std::vector<std::string> scratch_mounts();

/// A plan that holds exactly these mount points, with the guard rail set to them.
HoldPlan plan_for(const std::vector<std::string>& mounts, std::chrono::milliseconds limit = 10s);

/// ioctl on the mount point, as anybody else would: 0 or errno.
int foreign_freeze(const std::string& mount);
int foreign_thaw(const std::string& mount);

/// Writes and syncs a small file on a thread of its own; done() says when it got through.
class Write {
public:
    explicit Write(const std::string& mount);
    ~Write();
    bool done() const { return done_; }
    bool done_within(std::chrono::milliseconds span) const;

private:
    std::atomic<bool> done_{false};
    std::thread thread_;
};

bool writable_within(const std::vector<std::string>& mounts, std::chrono::milliseconds span);

/// Processes whose command line holds the argument `--socket stillpoint-WORKER-...`.
std::vector<int> helpers_of(int worker, bool watchers);
void kill_and_wait(int pid, int signal);

bool wait_until(std::chrono::milliseconds span, const std::function<bool()>& condition);

/// Ends every test: nothing is frozen, nothing of ours is left running or lying about.
struct StillPointTest : ::testing::Test {
    std::vector<std::string> mounts = scratch_mounts();
    linux_os::FreezeStillPoint still_point;

    StillPointTest();
    void TearDown() override;

    static const FilesystemEvidence& of(const HoldEvidence& evidence, const std::string& mount);
};

}  // namespace stillpoint::testing
