// SPDX-License-Identifier: Apache-2.0
#include "tests/support/tunnel_proxy.h"

#include <algorithm>
#include <csignal>
#include <stdexcept>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace stillpoint::testing {
namespace {

constexpr int kSliceMs = 5;

sockaddr_in loopback(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    return address;
}

bool readable(int fd) {
    pollfd wanted{fd, POLLIN, 0};
    return ::poll(&wanted, 1, kSliceMs) > 0;
}

/// Passes on what is there. False when that side is at its end.
bool pass_on(int from, int to) {
    char bytes[16384];
    const auto count = ::recv(from, bytes, sizeof bytes, MSG_DONTWAIT);
    if (count <= 0) {
        return count < 0 && (errno == EAGAIN || errno == EINTR);
    }
    for (ssize_t sent = 0; sent < count;) {
        const auto more =
            ::send(to, bytes + sent, static_cast<std::size_t>(count - sent), MSG_NOSIGNAL);
        if (more <= 0) {
            return false;
        }
        sent += more;
    }
    return true;
}

void send_quickly(int fd) {
    const int on = 1;
    (void)::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

}  // namespace

TunnelProxy::TunnelProxy(Behaviour behaviour) : behaviour_(std::move(behaviour)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener_, generic, size) != 0 || ::listen(listener_, 128) != 0 ||
        ::getsockname(listener_, generic, &size) != 0) {
        throw std::runtime_error("cannot listen on the loopback interface");
    }
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
}

TunnelProxy::~TunnelProxy() {
    stop_listening();
    close_tunnels();
    for (Tunnel& tunnel : tunnels_) {
        tunnel.thread.join();
    }
}

std::vector<std::string> TunnelProxy::requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
}

void TunnelProxy::stop_listening() {
    stopping_ = true;
    if (acceptor_.joinable()) {
        acceptor_.join();
        (void)::close(listener_);
    }
}

void TunnelProxy::close_tunnels() {
    const std::lock_guard lock(mutex_);
    for (Tunnel& tunnel : tunnels_) {
        tunnel.ending = true;
    }
    for (const Tunnel& tunnel : tunnels_) {
        tunnel.ended.wait(false);
    }
}

void TunnelProxy::accept_all() {
    while (!stopping_) {
        const int fd =
            readable(listener_) ? ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC) : -1;
        if (fd < 0) {
            continue;
        }
        const std::lock_guard lock(mutex_);
        Tunnel& tunnel = tunnels_.emplace_back();
        tunnel.thread = std::thread([this, &tunnel, fd] {
            serve(tunnel, fd);
            (void)::close(fd);
            tunnel.ended = true;
            tunnel.ended.notify_all();
        });
    }
}

bool TunnelProxy::answer(Tunnel& tunnel, int client, const std::string& head) {
    const auto until = std::chrono::steady_clock::now() + behaviour_.delay;
    while (std::chrono::steady_clock::now() < until) {
        if (tunnel.ending) {
            return false;
        }
        (void)::poll(nullptr, 0, kSliceMs);
    }
    const std::string wanted = "\r\nProxy-Authorization: " + behaviour_.authorization + "\r\n";
    const bool welcome = behaviour_.authorization.empty() || head.find(wanted) != std::string::npos;
    const std::string text =
        welcome ? behaviour_.answer : "HTTP/1.1 407 Whatever\r\nContent-Length: 0\r\n\r\n";
    (void)::send(client, text.data(), text.size(), MSG_NOSIGNAL);
    return welcome && text.find(" 200 ") != std::string::npos;
}

void TunnelProxy::serve(Tunnel& tunnel, int client) {
    send_quickly(client);
    std::string head;
    while (head.find("\r\n\r\n") == std::string::npos) {
        char byte = 0;
        if (tunnel.ending || (readable(client) && ::recv(client, &byte, 1, 0) <= 0)) {
            return;
        }
        if (byte != 0) {
            head += byte;
        }
    }
    {
        const std::lock_guard lock(mutex_);
        requests_.push_back(head);
    }
    if (!answer(tunnel, client, head)) {
        return;
    }
    const std::string where = head.substr(0, head.find(" HTTP/"));
    const sockaddr_in address = loopback(std::stoi(where.substr(where.rfind(':') + 1)));
    const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
        send_quickly(server);
        bool open = true;
        while (open && !tunnel.ending) {
            pollfd both[] = {{client, POLLIN, 0}, {server, POLLIN, 0}};
            if (::poll(both, 2, kSliceMs) > 0) {
                open = (both[0].revents == 0 || pass_on(client, server)) &&
                       (both[1].revents == 0 || pass_on(server, client));
            }
        }
    }
    (void)::close(server);
}

}  // namespace stillpoint::testing
