// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/look_up.h"

#include <algorithm>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace stillpoint::linux_os {
namespace {

bool is_address(const std::string& host) {
    in6_addr bytes{};
    return ::inet_pton(AF_INET, host.c_str(), &bytes) == 1 ||
           ::inet_pton(AF_INET6, host.c_str(), &bytes) == 1;
}

// Shared by the caller and the look-ups, which may outlive the call.
struct Board {
    std::mutex mutex;
    std::condition_variable changed;
    std::map<std::string, Result<Addresses>> found;
};

void post(Board& board, const std::string& host, Result<Addresses> addresses) {
    const std::lock_guard lock(board.mutex);
    board.found.emplace(host, std::move(addresses));
    board.changed.notify_all();
}

void start(const std::shared_ptr<Board>& board, const LookUp& look_up, const std::string& host) {
    try {
        std::thread([board, look_up, host] {
            try {
                post(*board, host, look_up(host));
            } catch (...) {
                post(*board, host, fail(Code::internal, "the look-up of '" + host + "' threw"));
            }
        }).detach();
    } catch (const std::system_error& error) {
        post(*board, host,
             fail(Code::http_failed, "cannot start a thread to look '" + host + "' up")
                 .with_errno(error.code().value()));
    }
}

}  // namespace

Result<Addresses> look_up_host(const std::string& host) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_ADDRCONFIG;
    addrinfo* list = nullptr;
    // No service name: it would make the C library read the services database.
    const int failure = ::getaddrinfo(host.c_str(), nullptr, &hints, &list);
    if (failure != 0) {
        return fail(Code::http_failed,
                    "cannot resolve '" + host + "': " + std::string(::gai_strerror(failure)));
    }
    Addresses addresses;
    for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
        char text[NI_MAXHOST] = {};
        if (::getnameinfo(entry->ai_addr, entry->ai_addrlen, text, sizeof text, nullptr, 0,
                          NI_NUMERICHOST) == 0 &&
            std::ranges::find(addresses, text) == addresses.end()) {
            addresses.emplace_back(text);
        }
    }
    ::freeaddrinfo(list);
    return addresses;
}

std::map<std::string, Result<Addresses>> look_up_all(const LookUp& look_up,
                                                     const std::vector<std::string>& hosts,
                                                     Deadline deadline, const Clock& clock) {
    const auto board = std::make_shared<Board>();
    std::map<std::string, Result<Addresses>> all;
    for (const std::string& host : hosts) {
        const bool is_new =
            all.emplace(host, fail(Code::http_failed, "'" + host + "' was not resolved in time"))
                .second;
        if (is_new && is_address(host)) {
            post(*board, host, Addresses{host});
        } else if (is_new) {
            start(board, look_up, host);
        }
    }
    std::unique_lock lock(board->mutex);
    while (board->found.size() < all.size() && !deadline.passed(clock.now())) {
        // In slices, so that an endless deadline does not overflow the wait.
        const auto slice = std::min(deadline.left(clock.now()), std::chrono::milliseconds(60'000));
        board->changed.wait_for(lock, slice);
    }
    for (auto& [host, addresses] : board->found) {
        all.insert_or_assign(host, addresses);
    }
    return all;
}

}  // namespace stillpoint::linux_os
