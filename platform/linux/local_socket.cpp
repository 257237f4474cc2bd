// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/local_socket.h"

#include <algorithm>
#include <array>
#include <climits>
#include <cstddef>
#include <cstring>
#include <optional>
#include <random>

#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/format.h"
#include "platform/linux/guard/boottime.h"

namespace stillpoint::linux_os {
namespace {

/// Abstract: it begins with a zero byte.
class Address {
public:
    explicit Address(const std::string& name) {
        address_.sun_family = AF_UNIX;
        const std::size_t length = std::min(name.size(), sizeof address_.sun_path - 1);
        std::memcpy(address_.sun_path + 1, name.data(), length);
        size_ = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + length);
    }
    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address_); }
    socklen_t size() const { return size_; }

private:
    sockaddr_un address_{};
    socklen_t size_ = 0;
};

std::optional<ucred> peer_of(int fd) {
    ucred peer{};
    socklen_t size = sizeof peer;
    return ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 ? std::optional(peer)
                                                                        : std::nullopt;
}

}  // namespace

bool readable(int fd, Instant until, int life) {
    while (true) {
        std::array<pollfd, 2> waited{{{fd, POLLIN, 0}, {life, POLLIN, 0}}};
        const auto left = Deadline(until).left(boottime_now());
        const int ready = ::poll(waited.data(), waited.size(),
                                 static_cast<int>(std::min<long>(left.count(), INT_MAX)));
        if (ready > 0 || (ready == 0 && left.count() == 0)) {
            return waited[0].revents != 0;
        }
        if (ready < 0 && errno != EINTR) {
            return false;
        }
    }
}

std::string random_name() {
    std::random_device random;
    return fmt::format("stillpoint-{}-{:08x}{:08x}", ::getpid(), random(), random());
}

Result<UniqueFd> listen_at(const std::string& name) {
    UniqueFd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    const Address address(name);
    if (!fd || ::bind(fd.get(), address.get(), address.size()) != 0 || ::listen(fd.get(), 4) != 0) {
        return fail(Code::guard_unavailable, "cannot open a local socket").with_errno(errno);
    }
    return fd;
}

Result<UniqueFd> accept_from(int listener, pid_t wanted, Instant until) {
    const UniqueFd life(wanted == 0 ? -1 : static_cast<int>(::syscall(SYS_pidfd_open, wanted, 0)));
    while (readable(listener, until, life.get())) {
        UniqueFd fd(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
        const auto peer = fd ? peer_of(fd.get()) : std::nullopt;
        if (peer && peer->uid == ::geteuid() && (wanted == 0 || peer->pid == wanted)) {
            return fd;
        }
    }
    return fail(Code::guard_unavailable, "the process did not call back in time");
}

Result<UniqueFd> connect_to(const std::string& name) {
    UniqueFd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    const Address address(name);
    if (!fd || ::connect(fd.get(), address.get(), address.size()) != 0) {
        return fail(Code::guard_unavailable, "cannot reach the other process").with_errno(errno);
    }
    const auto peer = peer_of(fd.get());
    if (!peer || peer->uid != ::geteuid()) {
        return fail(Code::guard_unavailable, "the socket belongs to somebody else");
    }
    return fd;
}

}  // namespace stillpoint::linux_os
