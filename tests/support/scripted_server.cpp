// SPDX-License-Identifier: Apache-2.0
#include "tests/support/scripted_server.h"

#include <algorithm>
#include <atomic>
#include <cctype>
#include <csignal>
#include <stdexcept>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace stillpoint::testing {

struct ScriptedServer::Peer final : ServerConnection {
    ScriptedServer* server = nullptr;
    int fd = -1;
    std::shared_ptr<SSL> ssl;
    std::string unread;
    std::thread thread;
    std::mutex writing;
    std::atomic<bool> ending = false;
    std::atomic<bool> with_reset = false;
    bool closed = false;  // under the server's mutex

    void write(const std::string& bytes) override {
        const std::lock_guard lock(writing);
        if (ssl) {
            (void)SSL_write(ssl.get(), bytes.data(), static_cast<int>(bytes.size()));
        } else {
            (void)::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        }
    }
    bool wait(std::chrono::milliseconds duration) override {
        std::unique_lock lock(server->mutex_);
        return !server->changed_.wait_for(lock, duration,
                                          [this] { return server->stopping_ || ending; });
    }
    void close() override { ending = true; }
    void reset() override {
        with_reset = true;
        ending = true;
    }

    // Waits for bytes in slices, so that whoever ends the connection need not touch its socket.
    bool readable() {
        while (!ending) {
            if (ssl && SSL_pending(ssl.get()) > 0) {
                return true;
            }
            pollfd wanted{fd, POLLIN, 0};
            if (::poll(&wanted, 1, 5) > 0) {
                return true;
            }
        }
        return false;
    }
    int read(char* into, int size) {
        if (!readable()) {
            return 0;
        }
        if (!ssl) {
            return static_cast<int>(::recv(fd, into, static_cast<std::size_t>(size), 0));
        }
        const std::lock_guard lock(writing);
        return SSL_read(ssl.get(), into, size);
    }
    void end() {
        if (with_reset) {
            const linger at_once{1, 0};
            (void)::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        } else if (ssl) {
            (void)SSL_shutdown(ssl.get());
        }
        (void)::close(fd);
    }
};

Script replies(int status, const std::string& headers, const std::string& body) {
    return sends("HTTP/1.1 " + std::to_string(status) + " Said So\r\n" + headers +
                 "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
}

Script sends(const std::string& raw) {
    return [raw](ServerConnection& connection, const ReceivedRequest&) { connection.write(raw); };
}

Script sends_and_closes(const std::string& raw) {
    return [raw](ServerConnection& connection, const ReceivedRequest&) {
        if (!raw.empty()) {
            connection.write(raw);
        }
        connection.close();
    };
}

Script resets() {
    return [](ServerConnection& connection, const ReceivedRequest&) { connection.reset(); };
}

Script hangs() {
    return [](ServerConnection& connection, const ReceivedRequest&) {
        (void)connection.wait(std::chrono::minutes(5));
        connection.close();
    };
}

Script after(std::chrono::milliseconds delay, Script script) {
    return [delay, script = std::move(script)](ServerConnection& connection,
                                               const ReceivedRequest& request) {
        if (connection.wait(delay)) {
            script(connection, request);
        }
    };
}

ScriptedServer::ScriptedServer(Script script, std::shared_ptr<SSL_CTX> tls)
    : script_(std::move(script)), tls_(std::move(tls)) {
    // OpenSSL writes with write(2): a client that left must not end the test.
    (void)std::signal(SIGPIPE, SIG_IGN);
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener_, generic, size) != 0 || ::listen(listener_, 128) != 0 ||
        ::getsockname(listener_, generic, &size) != 0) {
        throw std::runtime_error("cannot listen on the loopback interface");
    }
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
}

ScriptedServer::~ScriptedServer() {
    stop_listening();
    for (const auto& peer : peers_) {
        peer->ending = true;
        peer->thread.join();
    }
}

void ScriptedServer::stop_listening() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        changed_.notify_all();
    }
    if (acceptor_.joinable()) {
        acceptor_.join();
        (void)::close(listener_);
    }
}

void ScriptedServer::accept_all() {
    while (true) {
        pollfd wanted{listener_, POLLIN, 0};
        const int ready = ::poll(&wanted, 1, 5);
        const std::lock_guard lock(mutex_);
        if (stopping_) {
            return;
        }
        const int fd = ready > 0 ? ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC) : -1;
        if (fd >= 0) {
            auto peer = std::make_shared<Peer>();
            peer->server = this;
            peer->fd = fd;
            peer->thread = std::thread([this, one = peer.get()] { serve(*one); });
            const timeval limit{10, 0};  // nothing in a test may hang for ever
            (void)::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
            const int on = 1;  // as every web server does; else replies wait for delayed ACKs
            (void)::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            peers_.push_back(peer);
            changed_.notify_all();
        }
    }
}

void ScriptedServer::serve(Peer& peer) {
    bool good = true;
    if (tls_) {
        std::shared_ptr<SSL> ssl(SSL_new(tls_.get()), SSL_free);
        SSL_set_fd(ssl.get(), peer.fd);
        good = SSL_accept(ssl.get()) == 1;
        const std::lock_guard lock(peer.writing);
        peer.ssl = good ? ssl : nullptr;
    }
    while (good && !peer.ending) {
        ReceivedRequest request;
        if (!read_request(peer, request)) {
            break;
        }
        {
            const std::lock_guard lock(mutex_);
            requests_.push_back(request);
        }
        script_(peer, request);
    }
    peer.end();
    const std::lock_guard lock(mutex_);
    peer.closed = true;
    changed_.notify_all();
}

bool ScriptedServer::read_request(Peer& peer, ReceivedRequest& request) {
    std::size_t length = std::string::npos;
    std::size_t head = std::string::npos;
    while (true) {
        if (head == std::string::npos) {
            head = peer.unread.find("\r\n\r\n");
            if (head != std::string::npos) {
                request.head = peer.unread.substr(0, head + 4);
                std::string lower = request.head;
                std::ranges::transform(lower, lower.begin(),
                                       [](unsigned char c) { return std::tolower(c); });
                const std::size_t at = lower.find("\r\ncontent-length:");
                length = at == std::string::npos ? 0 : std::stoul(lower.substr(at + 17));
            }
        }
        if (head != std::string::npos && peer.unread.size() >= head + 4 + length) {
            request.body = peer.unread.substr(head + 4, length);
            peer.unread.erase(0, head + 4 + length);
            return true;
        }
        char bytes[4096];
        const int count = peer.read(bytes, sizeof bytes);
        if (count <= 0) {
            return false;
        }
        peer.unread.append(bytes, static_cast<std::size_t>(count));
    }
}

std::vector<ReceivedRequest> ScriptedServer::requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
}

int ScriptedServer::connections() const {
    const std::lock_guard lock(mutex_);
    return static_cast<int>(peers_.size());
}

bool ScriptedServer::wait_for_connections(int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10),
                             [this, count] { return static_cast<int>(peers_.size()) >= count; });
}

void ScriptedServer::close_connections(bool with_reset) {
    std::unique_lock lock(mutex_);
    for (const auto& peer : peers_) {
        peer->with_reset = with_reset;
        peer->ending = true;
    }
    changed_.notify_all();
    changed_.wait(lock, [this] {
        return std::ranges::all_of(peers_, [](const auto& peer) { return peer->closed; });
    });
}

void ScriptedServer::write_unasked(const std::string& bytes) {
    std::unique_lock lock(mutex_);
    for (const auto& peer : peers_) {
        peer->write(bytes);
    }
}

}  // namespace stillpoint::testing
