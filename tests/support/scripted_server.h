// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <openssl/ssl.h>

namespace stillpoint::testing {

/// A request as the server received it.
struct ReceivedRequest {
    std::string head;  // byte for byte, with the empty line
    std::string body;

    std::string line() const { return head.substr(0, head.find("\r\n")); }
};

/// The server's end of one connection, as a script sees it.
class ServerConnection {
public:
    virtual ~ServerConnection() = default;
    virtual void write(const std::string& bytes) = 0;
    /// Sleeps, or until the server stops. False: it stops.
    virtual bool wait(std::chrono::milliseconds duration) = 0;
    /// The connection ends after the script: orderly, or with RST.
    virtual void close() = 0;
    virtual void reset() = 0;
};

/// What a server does with one whole request that it has read.
using Script = std::function<void(ServerConnection&, const ReceivedRequest&)>;

Script replies(int status, const std::string& headers, const std::string& body);
Script sends(const std::string& raw);             // raw bytes, then goes on
Script sends_and_closes(const std::string& raw);  // "" closes before the reply
Script resets();
Script hangs();
Script after(std::chrono::milliseconds delay, Script script);

/// A web server on a port of the loopback interface, that does what its script says and remembers
/// every request it received.
class ScriptedServer {
public:
    /// With a context it speaks TLS.
    explicit ScriptedServer(Script script, std::shared_ptr<SSL_CTX> tls = nullptr);
    ~ScriptedServer();

    int port() const { return port_; }
    std::vector<ReceivedRequest> requests() const;
    int connections() const;
    /// False if they do not come within ten seconds.
    bool wait_for_connections(int count);

    /// Ends all connections that are open now, and waits until each is closed.
    void close_connections(bool with_reset = false);
    /// Writes raw bytes on all connections that are open now, without having been asked.
    void write_unasked(const std::string& bytes);
    /// From now on nobody is listening any more.
    void stop_listening();

private:
    struct Peer;

    void accept_all();
    void serve(Peer& peer);
    bool read_request(Peer& peer, ReceivedRequest& request);

    Script script_;
    std::shared_ptr<SSL_CTX> tls_;
    int listener_ = -1;
    int port_ = 0;

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    bool stopping_ = false;
    std::vector<ReceivedRequest> requests_;
    std::list<std::shared_ptr<Peer>> peers_;
    std::thread acceptor_;
};

}  // namespace stillpoint::testing
