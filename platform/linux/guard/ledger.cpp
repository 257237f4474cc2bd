// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/guard/ledger.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <string_view>

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/format.h"
#include "platform/linux/guard/unique_fd.h"

namespace stillpoint::linux_os {
namespace {

constexpr std::uint64_t kMagic = 0x5354'494c'4c50'4e54;  // "STILLPNT"
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kMaxFilesystems = 4096;

std::size_t size_for(std::size_t count) {
    return sizeof(LedgerHeader) + count * sizeof(LedgerEntry);
}

/// Opens a private folder on a memory filesystem; the error says why it cannot serve.
Result<UniqueFd> open_folder(const std::string& path) {
    UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd) {
        return fail(Code::ledger_unavailable, fmt::format("cannot open '{}'", path))
            .with_errno(errno);
    }
    struct stat status {};
    if (::fstat(fd.get(), &status) != 0) {
        return fail(Code::ledger_unavailable, fmt::format("cannot look at '{}'", path))
            .with_errno(errno);
    }
    if (status.st_uid != ::geteuid() || (status.st_mode & 077) != 0) {
        return fail(Code::ledger_unavailable, fmt::format("'{}' is open to others", path));
    }
    struct statfs filesystem {};
    if (::fstatfs(fd.get(), &filesystem) != 0) {
        return fail(Code::ledger_unavailable, fmt::format("cannot look at '{}'", path))
            .with_errno(errno);
    }
    // Writing to a file on a frozen filesystem would block whoever must thaw it.
    if (filesystem.f_type != TMPFS_MAGIC && filesystem.f_type != RAMFS_MAGIC) {
        return fail(Code::ledger_unavailable, fmt::format("'{}' is not in memory", path));
    }
    return fd;
}

Result<LedgerHeader*> map(int fd, std::size_t size, const std::string& path) {
    void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
    if (memory == MAP_FAILED) {
        return fail(Code::ledger_unavailable, fmt::format("cannot map '{}'", path))
            .with_errno(errno);
    }
    return static_cast<LedgerHeader*>(memory);
}

void init_alive(pthread_mutex_t& mutex) {
    pthread_mutexattr_t attributes;
    ::pthread_mutexattr_init(&attributes);
    ::pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    ::pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    ::pthread_mutex_init(&mutex, &attributes);
    ::pthread_mutexattr_destroy(&attributes);
}

std::uint64_t pid_namespace() {
    struct stat status {};
    return ::stat("/proc/self/ns/pid", &status) == 0 ? status.st_ino : 0;
}

LedgerEntry* entries_of(LedgerHeader* header) {
    return reinterpret_cast<LedgerEntry*>(reinterpret_cast<std::byte*>(header) +
                                          sizeof(LedgerHeader));
}

void fill(LedgerHeader* memory, const LedgerPlan& plan) {
    // The file is all zeros, which is the right start for every atomic in it.
    LedgerHeader& header = *memory;
    header.version = kVersion;
    header.count = static_cast<std::uint32_t>(plan.filesystems.size());
    header.limit_ns = plan.limit.count();
    header.rehearse = plan.rehearse;
    header.all_or_nothing = plan.all_or_nothing;
    header.pid_namespace = pid_namespace();
    header.restricted = plan.only_devices.has_value();
    if (plan.only_devices) {
        header.allowed_count = static_cast<std::uint32_t>(plan.only_devices->size());
        std::ranges::copy(*plan.only_devices, header.allowed.begin());
    }
    for (Participant& participant : header.participants) {
        init_alive(participant.alive);
    }
    LedgerEntry* entry = entries_of(memory);
    for (const LedgerPlan::Filesystem& filesystem : plan.filesystems) {
        entry->device = filesystem.device;
        entry->mount_id = filesystem.mount_id;
        entry->namespace_pid = filesystem.namespace_pid;
        entry->level = filesystem.level;
        std::memcpy(entry->mount_point, filesystem.mount_point.data(),
                    filesystem.mount_point.size());
        ++entry;
    }
    header.magic = kMagic;
}

Result<void> check(const LedgerPlan& plan) {
    if (plan.filesystems.size() > kMaxFilesystems) {
        return fail(Code::ledger_unavailable,
                    fmt::format("more than {} filesystems", kMaxFilesystems));
    }
    if (plan.only_devices && plan.only_devices->size() > LedgerHeader{}.allowed.size()) {
        return fail(Code::ledger_unavailable, fmt::format("only_devices names more than {} devices",
                                                          LedgerHeader{}.allowed.size()));
    }
    for (const LedgerPlan::Filesystem& filesystem : plan.filesystems) {
        if (filesystem.mount_point.size() >= PATH_MAX) {
            return fail(Code::ledger_unavailable, "a mount point is longer than any path may be");
        }
    }
    return {};
}

}  // namespace

std::vector<std::string> Ledger::folders() {
    return {"/run/stillpoint", "/dev/shm/stillpoint"};
}

Result<Ledger> Ledger::create(const LedgerPlan& plan, const std::string& name) {
    if (const Result<void> good = check(plan); !good) {
        return good.error();
    }
    Error reasons = fail(Code::ledger_unavailable, "no folder in memory for the ledger");
    for (const std::string& folder : folders()) {
        (void)::mkdir(folder.c_str(), 0700);
        const Result<UniqueFd> opened = open_folder(folder);
        if (!opened) {
            reasons = fail(Code::ledger_unavailable, opened.error().sentence()).caused_by(reasons);
            continue;
        }
        const std::string path = folder + "/" + name;
        const UniqueFd fd(::openat(opened->get(), name.c_str(),
                                   O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
        const std::size_t size = size_for(plan.filesystems.size());
        // Reserved now: a full memory filesystem must not show itself as SIGBUS while frozen.
        const int reserved = fd ? ::posix_fallocate(fd.get(), 0, static_cast<off_t>(size)) : errno;
        Result<LedgerHeader*> memory =
            reserved == 0 ? map(fd.get(), size, path)
                          : fail(Code::ledger_unavailable, fmt::format("cannot write '{}'", path))
                                .with_errno(reserved);
        if (!memory) {
            if (fd) {
                (void)::unlinkat(opened->get(), name.c_str(), 0);
            }
            reasons = fail(Code::ledger_unavailable, memory.error().sentence()).caused_by(reasons);
            continue;
        }
        fill(*memory, plan);
        return Ledger(path, *memory, size);
    }
    return reasons;
}

std::vector<std::string> Ledger::all() {
    std::vector<std::string> paths;
    for (const std::string& folder : folders()) {
        Result<UniqueFd> opened = open_folder(folder);
        if (!opened) {
            continue;  // not there, or not ours: anybody may make folders in /dev/shm
        }
        const std::unique_ptr<DIR, int (*)(DIR*)> listing(::fdopendir(opened->get()), ::closedir);
        if (listing) {
            (void)opened->release();
        }
        while (const dirent* entry = listing ? ::readdir(listing.get()) : nullptr) {
            if (std::string_view(entry->d_name).ends_with(".ledger")) {
                paths.push_back(folder + "/" + entry->d_name);
            }
        }
    }
    return paths;
}

Result<Ledger> Ledger::open(const std::string& path) {
    const UniqueFd fd(::open(path.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
    struct stat status {};
    if (!fd || ::fstat(fd.get(), &status) != 0) {
        return fail(Code::ledger_unavailable, fmt::format("cannot open '{}'", path))
            .with_errno(errno);
    }
    if (!S_ISREG(status.st_mode) || status.st_uid != ::geteuid() || (status.st_mode & 077) != 0) {
        return fail(Code::ledger_unavailable, fmt::format("'{}' is not ours", path));
    }
    const auto size = static_cast<std::size_t>(status.st_size);
    if (size < sizeof(LedgerHeader)) {
        return fail(Code::ledger_unavailable, fmt::format("'{}' is too short for a ledger", path));
    }
    const Result<LedgerHeader*> memory = map(fd.get(), size, path);
    if (!memory) {
        return memory.error();
    }
    Ledger ledger(path, *memory, size);
    const LedgerHeader& header = ledger.header();
    if (header.magic != kMagic || header.version != kVersion || size != size_for(header.count) ||
        header.allowed_count > header.allowed.size()) {
        return fail(Code::ledger_unavailable,
                    fmt::format("'{}' is not a ledger of this version", path));
    }
    return ledger;
}

Ledger::Ledger(Ledger&& other) noexcept
    : path_(std::move(other.path_)),
      header_(std::exchange(other.header_, nullptr)),
      size_(other.size_) {}

Ledger::~Ledger() {
    if (header_ != nullptr) {
        (void)::munmap(header_, size_);
    }
}

std::span<LedgerEntry> Ledger::entries() const {
    return {entries_of(header_), header_->count};
}

bool Ledger::settled() const {
    return std::ranges::all_of(entries(), [](const LedgerEntry& entry) {
        const FsState state = unpack(entry.word.load()).state;
        return state == FsState::free || state == FsState::thawed;
    });
}

bool Ledger::same_pid_namespace() const {
    return header_->pid_namespace == pid_namespace();
}

bool Ledger::allows(DeviceNumber device) const {
    const auto allowed = std::span(header_->allowed).first(header_->allowed_count);
    return header_->restricted == 0 || std::ranges::find(allowed, device) != allowed.end();
}

void Ledger::remove() const noexcept {
    (void)::unlink(path_.c_str());
}

bool move_word(LedgerEntry& entry, Word from, Word to) noexcept {
    std::uint32_t expected = pack(from);
    return entry.word.compare_exchange_strong(expected, pack(to));
}

}  // namespace stillpoint::linux_os
