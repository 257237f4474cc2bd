// SPDX-License-Identifier: Apache-2.0
// Loads scratch filesystems so that an image of them tells whether it was taken at one instant with
// everything on disk: scratch_writer [--heavy] MOUNT... ; SIGTERM ends it, then it prints JSON.
// judge.py reads what is written here; the formats are described in docs/testing.md.
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

namespace {

constexpr std::size_t kBlock = 4096;
constexpr unsigned kMarkersKept = 64;

std::atomic<bool> stopping{false};

std::uint64_t boottime_ns() {
    timespec now{};
    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U +
           static_cast<std::uint64_t>(now.tv_nsec);
}

/// CRC-32 as zlib has it, so that the judge needs no code of its own for it.
std::uint32_t crc32(std::string_view bytes) {
    static const std::array<std::uint32_t, 256> table = [] {
        std::array<std::uint32_t, 256> made{};
        for (std::uint32_t i = 0; i < made.size(); ++i) {
            std::uint32_t value = i;
            for (int bit = 0; bit < 8; ++bit) {
                value = (value & 1U) != 0 ? (value >> 1U) ^ 0xEDB88320U : value >> 1U;
            }
            made[i] = value;
        }
        return made;
    }();
    std::uint32_t sum = 0xFFFFFFFFU;
    for (const char c : bytes) {
        sum = (sum >> 8U) ^ table[(sum ^ static_cast<unsigned char>(c)) & 0xFFU];
    }
    return ~sum;
}

/// One line of text with its checksum at the end.
std::string sealed(const std::string& text) {
    std::array<char, 16> sum{};
    (void)std::snprintf(sum.data(), sum.size(), " %08x\n", crc32(text));
    return text + sum.data();
}

[[noreturn]] void die(const std::string& what) {
    std::fprintf(stderr, "scratch_writer: %s: %s\n", what.c_str(), std::strerror(errno));
    std::_Exit(1);
}

/// One filesystem under load, and the longest time one of its writers had to wait.
class Target {
public:
    Target(std::string mount, std::size_t number, std::size_t of)
        : mount_(std::move(mount)), number_(number), of_(of) {
        const std::string folder = mount_ + "/writer";
        if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
            die(folder);
        }
        records_ = open_file(folder + "/records", O_APPEND | O_TRUNC);
        bulk_ = open_file(folder + "/bulk", O_TRUNC);
    }

    /// Appends record `n` and has it on disk when it returns.
    void append_record(std::uint64_t n) {
        const std::string line =
            sealed("record " + std::to_string(n) + " disk " + std::to_string(number_) + " of " +
                   std::to_string(of_) + " at " + std::to_string(boottime_ns()));
        const std::uint64_t begin = boottime_ns();
        write_all(records_, line.data(), line.size(), -1);
        if (::fdatasync(records_) != 0) {
            die(mount_ + ": fdatasync");
        }
        note(begin);
        ++records_written_;
    }

    /// Overwrites the next blocks of one file round and round, never synced: at one instant the
    /// blocks before some point are of this round and all others of the round before.
    void write_bulk(std::size_t blocks, std::size_t blocks_in_file) {
        std::string buffer;
        buffer.reserve(kBlock * blocks);
        const std::size_t first = bulk_block_;
        for (std::size_t i = 0; i < blocks; ++i) {
            std::string block = sealed("bulk round " + std::to_string(bulk_round_) + " block " +
                                       std::to_string(first + i));
            block.resize(kBlock, static_cast<char>('a' + bulk_round_ % 26));
            buffer += block;
        }
        const std::uint64_t begin = boottime_ns();
        write_all(bulk_, buffer.data(), buffer.size(), static_cast<off_t>(first * kBlock));
        note(begin);
        bulk_block_ += blocks;
        if (bulk_block_ >= blocks_in_file) {
            bulk_block_ = 0;
            ++bulk_round_;
        }
    }

    /// Creates, renames and unlinks small files, never synced: whatever is called m-* is complete.
    void churn() {
        const std::string folder = mount_ + "/writer/";
        const std::string draft = folder + "draft";
        const std::string text = sealed("marker " + std::to_string(marker_));
        const std::uint64_t begin = boottime_ns();
        const int fd = open_file(draft, O_TRUNC);
        write_all(fd, text.data(), text.size(), -1);
        (void)::close(fd);
        if (::rename(draft.c_str(), (folder + "m-" + std::to_string(marker_)).c_str()) != 0) {
            die(draft);
        }
        if (marker_ >= kMarkersKept) {
            (void)::unlink((folder + "m-" + std::to_string(marker_ - kMarkersKept)).c_str());
        }
        note(begin);
        ++marker_;
    }

    void print(bool last) {
        const std::scoped_lock lock(mutex_);
        std::printf(
            "{\"mount\": \"%s\", \"longest_write_ms\": %.3f, \"longest_write_began_ns\": %llu, "
            "\"writes\": %llu, \"records\": %llu}%s",
            mount_.c_str(), static_cast<double>(longest_ns_) / 1e6,
            static_cast<unsigned long long>(longest_began_ns_),
            static_cast<unsigned long long>(writes_),
            static_cast<unsigned long long>(records_written_.load()), last ? "" : ", ");
    }

private:
    static int open_file(const std::string& path, int flags) {
        const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600);
        if (fd < 0) {
            die(path);
        }
        return fd;
    }

    void write_all(int fd, const char* data, std::size_t size, off_t offset) const {
        // One call, because the kernel holds a freeze back until a write() is through: what one
        // call wrote is wholly in a still image or not at all.
        const ssize_t done =
            offset < 0 ? ::write(fd, data, size) : ::pwrite(fd, data, size, offset);
        if (done != static_cast<ssize_t>(size)) {
            die(mount_ + ": write");
        }
    }

    void note(std::uint64_t begin) {
        const std::uint64_t took = boottime_ns() - begin;
        const std::scoped_lock lock(mutex_);
        ++writes_;
        if (took > longest_ns_) {
            longest_ns_ = took;
            longest_began_ns_ = begin;
        }
    }

    std::string mount_;
    std::size_t number_;
    std::size_t of_;
    int records_ = -1;
    int bulk_ = -1;
    std::atomic<std::uint64_t> records_written_{0};
    std::size_t bulk_block_ = 0;
    std::uint64_t bulk_round_ = 0;
    std::uint64_t marker_ = 0;
    std::mutex mutex_;
    std::uint64_t writes_ = 0;
    std::uint64_t longest_ns_ = 0;
    std::uint64_t longest_began_ns_ = 0;
};

/// Light: 4 KiB each millisecond and a few files, so that little changes between two copies of the
/// disk. Heavy: as much as the disk takes.
void load(Target& target, bool heavy) {
    for (unsigned turn = 0; !stopping; ++turn) {
        target.write_bulk(heavy ? 16 : 1, heavy ? 2048 : 256);
        if (heavy || turn % 16 == 0) {
            target.churn();
        }
        if (!heavy) {
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
    }
}

void order(std::deque<Target>& targets, bool heavy) {
    for (std::uint64_t n = 0; !stopping; ++n) {
        for (Target& target : targets) {
            target.append_record(n);
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(heavy ? 0 : 2));
    }
}

int run(const std::vector<std::string>& mounts, bool heavy) {
    sigset_t signals;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // inherited by every thread below

    std::deque<Target> targets;
    for (const std::string& mount : mounts) {
        targets.emplace_back(mount, targets.size() + 1, mounts.size());
    }
    std::vector<std::thread> threads;
    threads.emplace_back([&] { order(targets, heavy); });
    for (Target& target : targets) {
        threads.emplace_back([&target, heavy] { load(target, heavy); });
    }
    std::printf("{\"writing\": true}\n");
    (void)std::fflush(stdout);

    int received = 0;
    (void)sigwait(&signals, &received);
    stopping = true;
    for (std::thread& thread : threads) {
        thread.join();
    }
    std::printf("{\"mounts\": [");
    for (std::size_t i = 0; i < targets.size(); ++i) {
        targets[i].print(i + 1 == targets.size());
    }
    std::printf("]}\n");
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    std::vector<std::string> mounts(argv + 1, argv + argc);
    const bool heavy = !mounts.empty() && mounts.front() == "--heavy";
    if (heavy) {
        mounts.erase(mounts.begin());
    }
    if (mounts.empty()) {
        std::fprintf(stderr, "usage: scratch_writer [--heavy] MOUNT...\n");
        return 2;
    }
    return run(mounts, heavy);
}
