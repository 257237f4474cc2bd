// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <list>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace stillpoint::testing {

/// A proxy on a port of the loopback interface. Whatever name CONNECT asks for, the tunnel leads to
/// that port of the same interface.
class TunnelProxy {
public:
    struct Behaviour {
        std::string answer = "HTTP/1.1 200 Connection established\r\n\r\n";
        std::chrono::milliseconds delay{0};  // before the answer
        std::string authorization;           // without this header's value: 407
    };

    TunnelProxy() : TunnelProxy(Behaviour()) {}
    explicit TunnelProxy(Behaviour behaviour);
    ~TunnelProxy();
    TunnelProxy(const TunnelProxy&) = delete;
    TunnelProxy& operator=(const TunnelProxy&) = delete;

    int port() const { return port_; }
    /// The heads of the requests so far.
    std::vector<std::string> requests() const;
    /// Ends all tunnels that are open now, and waits until each is.
    void close_tunnels();
    /// From now on nobody is listening any more.
    void stop_listening();

private:
    struct Tunnel {
        std::thread thread;
        std::atomic<bool> ending = false;
        std::atomic<bool> ended = false;
    };

    void accept_all();
    void serve(Tunnel& tunnel, int client);
    bool answer(Tunnel& tunnel, int client, const std::string& head);

    const Behaviour behaviour_;
    int listener_ = -1;
    int port_ = 0;
    std::atomic<bool> stopping_ = false;
    mutable std::mutex mutex_;
    std::vector<std::string> requests_;
    std::list<Tunnel> tunnels_;
    std::thread acceptor_;
};

}  // namespace stillpoint::testing
