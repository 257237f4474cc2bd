// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/still_point/scratch.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>

#include <fcntl.h>
#include <linux/fs.h>
#include <nlohmann/json.hpp>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include "base/format.h"
#include "platform/linux/guard/ledger.h"
#include "platform/linux/linux_inventory.h"
#include "platform/linux/system_clock.h"

namespace stillpoint::testing {
namespace {

using linux_os::UniqueFd;

int freeze_ioctl(const std::string& mount, unsigned long request) {
    const UniqueFd fd(::open(mount.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd) {
        return errno;
    }
    return ::ioctl(fd.get(), request, 0) == 0 ? 0 : errno;
}

Log& quiet_log() {
    static const linux_os::SystemClock clock;
    static Log log(clock);
    return log;
}

std::string read_proc(int pid, std::string_view name) {
    // Not by a stream: the process may be gone in the middle, which a stream throws about.
    const UniqueFd file(
        ::open(fmt::format("/proc/{}/{}", pid, name).c_str(), O_RDONLY | O_CLOEXEC));
    std::string text(4096, '\0');
    const ssize_t size = file ? ::read(file.get(), text.data(), text.size()) : 0;
    text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return text;
}

std::string command_line(int pid) {
    std::string text = read_proc(pid, "cmdline");
    std::ranges::replace(text, '\0', ' ');
    return text;
}

}  // namespace

std::vector<std::string> scratch_mounts() {
    const char* name = std::getenv("SP_SCRATCH");
    if (name == nullptr) {
        throw std::runtime_error("SP_SCRATCH is not set: run under tests/scratch/scratch.py");
    }
    std::ifstream file(name);
    const auto disks = nlohmann::json::parse(file);
    std::vector<std::string> mounts;
    for (const auto& disk : disks.is_array() ? disks : disks.at("disks")) {
        mounts.push_back(disk.at("mount"));
    }
    return mounts;
}

HoldPlan plan_for(const std::vector<std::string>& mounts, std::chrono::milliseconds limit) {
    const Result<Inventory> inventory = linux_os::LinuxInventory().read();
    Result<GuestPlan> plan = plan_hold(
        inventory.value(),
        {.luns = {}, .only_mounts = mounts, .skip_mounts = {}, .only_devices = std::nullopt});
    EXPECT_TRUE(plan) << (plan ? "" : plan.error().describe());
    HoldPlan hold = plan->hold;
    EXPECT_EQ(hold.filesystems.size(), mounts.size());
    hold.limit = limit;
    hold.only_devices.emplace();
    for (const FilesystemToHold& filesystem : hold.filesystems) {
        hold.only_devices->push_back(filesystem.device);
    }
    return hold;
}

int foreign_freeze(const std::string& mount) {
    return freeze_ioctl(mount, FIFREEZE);
}
int foreign_thaw(const std::string& mount) {
    return freeze_ioctl(mount, FITHAW);
}

Write::Write(const std::string& mount)
    : thread_([this, path = mount + "/written"] {
          const UniqueFd fd(::open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
          done_ = fd && ::write(fd.get(), "x", 1) == 1 && ::fsync(fd.get()) == 0;
      }) {}

Write::~Write() {
    thread_.join();
}

bool Write::done_within(std::chrono::milliseconds span) const {
    return wait_until(span, [this] { return done(); });
}

bool wait_until(std::chrono::milliseconds span, const std::function<bool()>& condition) {
    const auto end = std::chrono::steady_clock::now() + span;
    while (!condition()) {
        if (std::chrono::steady_clock::now() >= end) {
            return false;
        }
        std::this_thread::sleep_for(1ms);
    }
    return true;
}

bool writable_within(const std::vector<std::string>& mounts, std::chrono::milliseconds span) {
    const auto end = std::chrono::steady_clock::now() + span;
    std::vector<std::unique_ptr<Write>> writes;
    for (const std::string& mount : mounts) {
        writes.push_back(std::make_unique<Write>(mount));
    }
    bool all = true;
    for (std::size_t i = 0; i < mounts.size(); ++i) {
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
        if (!writes[i]->done_within(left)) {
            all = false;
            (void)foreign_thaw(mounts[i]);  // never leave the machine stuck
        }
    }
    return all;
}

std::vector<int> helpers_of(int worker, bool watchers) {
    std::vector<int> pids;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
        const std::string name = entry.path().filename();
        if (!std::ranges::all_of(name, [](unsigned char c) { return std::isdigit(c); })) {
            continue;
        }
        const std::string line = command_line(std::stoi(name));
        const bool ours =
            line.find(fmt::format("--socket stillpoint-{}-", worker)) != std::string::npos;
        if (ours && (line.find("--watch") != std::string::npos) == watchers) {
            pids.push_back(std::stoi(name));
        }
    }
    return pids;
}

void kill_and_wait(int pid, int signal) {
    ASSERT_GT(pid, 0);
    ASSERT_EQ(::kill(pid, signal), 0);
    if (signal == SIGKILL) {
        EXPECT_TRUE(wait_until(5s, [pid] {
            const std::string text = read_proc(pid, "stat");
            return text.empty() || text.substr(text.rfind(')') + 2, 1) == "Z";
        }));
    }
}

StillPointTest::StillPointTest() : still_point(quiet_log(), SP_GUARD_PROGRAM) {}

void StillPointTest::TearDown() {
    EXPECT_TRUE(writable_within(mounts, 5s)) << "something stayed frozen";
    for (const std::string& mount : mounts) {
        EXPECT_EQ(foreign_freeze(mount), 0) << mount;
        EXPECT_EQ(foreign_thaw(mount), 0) << mount;
    }
    for (const bool watchers : {false, true}) {
        EXPECT_TRUE(wait_until(5s, [&] { return helpers_of(::getpid(), watchers).empty(); }));
    }
    for (const std::string& folder : linux_os::Ledger::folders()) {
        std::error_code ignored;
        for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
            const std::string mine = fmt::format("{}-", ::getpid());
            EXPECT_FALSE(entry.path().filename().string().starts_with(mine)) << entry.path();
        }
    }
}

const FilesystemEvidence& StillPointTest::of(const HoldEvidence& evidence,
                                             const std::string& mount) {
    const auto found = std::ranges::find_if(
        evidence.filesystems,
        [&](const FilesystemEvidence& one) { return one.filesystem.mount_point == mount; });
    if (found == evidence.filesystems.end()) {
        throw std::runtime_error("no evidence for " + mount);
    }
    return *found;
}

}  // namespace stillpoint::testing
