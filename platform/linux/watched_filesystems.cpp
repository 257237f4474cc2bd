// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/watched_filesystems.h"

#include <cerrno>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>

#include <unistd.h>

#include "base/format.h"
#include "platform/linux/guard/open_mount.h"

namespace stillpoint::linux_os {
namespace {

int sync_one(const FilesystemToWatch& filesystem) {
    // What is mounted there must be it: to sync another one would prove nothing.
    const OpenedMount mount = open_mount(
        {filesystem.mount_point, filesystem.mount_id, filesystem.namespace_pid, filesystem.device});
    if (!mount.fd) {
        return mount.result == FsResult::replaced ? ESTALE : mount.error;
    }
    return ::syncfs(mount.fd.get()) == 0 ? 0 : errno;
}

/// Syncs all at once, each on a thread that may get stuck in the kernel; ETIMEDOUT for those.
std::vector<int> sync_all(const std::vector<FilesystemToWatch>& filesystems,
                          std::chrono::milliseconds limit) {
    struct Shared {
        std::mutex mutex;
        std::condition_variable changed;
        std::vector<int> results;
        std::size_t left = 0;
    };
    const auto shared = std::make_shared<Shared>();
    shared->results.assign(filesystems.size(), ETIMEDOUT);
    shared->left = filesystems.size();
    for (std::size_t i = 0; i < filesystems.size(); ++i) {
        const auto sync = [shared, i, filesystem = filesystems[i]] {
            const int result = sync_one(filesystem);
            const std::lock_guard lock(shared->mutex);
            shared->results[i] = result;
            --shared->left;
            shared->changed.notify_all();
        };
        try {
            std::thread(sync).detach();
        } catch (const std::system_error&) {
            const std::lock_guard lock(shared->mutex);
            shared->results[i] = EAGAIN;  // too many threads: not synced, and so not proven
            --shared->left;
        }
    }
    std::unique_lock lock(shared->mutex);
    (void)shared->changed.wait_for(lock, limit, [&] { return shared->left == 0; });
    return shared->results;
}

bool same(const CounterReading& a, const CounterReading& b) {
    return a->sectors_written == b->sectors_written &&
           a->sectors_discarded == b->sectors_discarded && a->writes_in_flight == 0 &&
           b->writes_in_flight == 0;
}

std::string verdict(const WatchedEvidence& evidence, const std::vector<CounterReading>& before,
                    const std::vector<CounterReading>& after) {
    if (evidence.sync_errno != 0) {
        return fmt::format("it could not be synced: {}", errno_text(evidence.sync_errno));
    }
    if (before.empty()) {
        return "no block device of it is known";
    }
    for (std::size_t i = 0; i < before.size(); ++i) {
        const std::string& name = evidence.filesystem.block_devices[i];
        if (!before[i] || !after[i]) {
            return fmt::format("'{}' keeps no counters", name);
        }
        if (!same(before[i], after[i])) {
            return fmt::format("'{}' was written to", name);
        }
    }
    return {};
}

}  // namespace

WatchedFilesystems::WatchedFilesystems(const std::vector<FilesystemToWatch>& filesystems,
                                       std::chrono::milliseconds limit) {
    const std::vector<int> results = sync_all(filesystems, limit);
    for (std::size_t i = 0; i < filesystems.size(); ++i) {
        Watched watched{
            {.filesystem = filesystems[i], .sync_errno = results[i], .still = false, .why_not = {}},
            BlockCounterReader(filesystems[i].block_devices),
            {}};
        watched.before.resize(watched.reader.size());
        watched.reader.read_all(watched.before);
        watched_.push_back(std::move(watched));
    }
}

std::vector<WatchedEvidence> WatchedFilesystems::finish(std::chrono::milliseconds limit) {
    std::vector<FilesystemToWatch> filesystems;
    for (const Watched& watched : watched_) {
        filesystems.push_back(watched.evidence.filesystem);
    }
    const std::vector<int> results = sync_all(filesystems, limit);
    std::vector<WatchedEvidence> evidence;
    for (std::size_t i = 0; i < watched_.size(); ++i) {
        Watched& watched = watched_[i];
        std::vector<CounterReading> after(watched.reader.size());
        watched.reader.read_all(after);
        if (watched.evidence.sync_errno == 0) {
            watched.evidence.sync_errno = results[i];
        }
        watched.evidence.why_not = verdict(watched.evidence, watched.before, after);
        watched.evidence.still = watched.evidence.why_not.empty();
        evidence.push_back(std::move(watched.evidence));
    }
    return evidence;
}

}  // namespace stillpoint::linux_os
