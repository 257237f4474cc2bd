// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"

namespace stillpoint {

/// Where a request goes. The query of a SAS URI is a secret; everything else may be shown.
struct HttpTarget {
    bool tls = true;
    std::string host;
    int port = 443;
    std::string path;         // percent-encoded, as it goes on the wire: "/container/blob"
    Secret query;             // byte for byte what stands behind the '?', without it
    bool port_given = false;  // whoever named the target named the port, be it the scheme's own

    HttpTarget duplicate() const {
        return HttpTarget{tls, host, port, path, query.duplicate(), port_given};
    }
    /// "https://host:443/path": everything but the query.
    std::string shown() const;
    /// "host:443", an IPv6 address in brackets: what is connected to.
    std::string shown_host() const;
};

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
    std::string method;
    HttpTarget target;
    HttpHeaders headers;  // sent in this order, after Host, Accept-Encoding and Content-Length
    std::string body;
};

struct HttpReply {
    int status = 0;
    HttpHeaders headers;
    std::string body;

    /// The first header of that name, compared without case; empty if there is none.
    std::string_view header(std::string_view name) const;
};

/// HTTP outside the hold: status, logs, the host service. May pool connections and retry what is
/// safe.
class HttpClient {
public:
    virtual ~HttpClient() = default;
    /// One request, one reply, no redirects followed. A status of 400 and above is a reply, not an
    /// error. Errors: http_failed with the cause (host_unreachable, blob_unreachable, upload_failed
    /// are the callers' words).
    virtual Result<HttpReply> send(HttpRequest request, std::chrono::milliseconds timeout) = 0;
};

/// A connection that stands ready before the hold: name resolved, TLS done, request serialised.
/// Nothing of it opens a file, resolves a name or starts a process once prepared.
class PreparedRequest {
public:
    virtual ~PreparedRequest() = default;
};

/// What one request of the hold came to.
struct Exchange {
    Instant sent{};     // just before the first byte was handed to the kernel
    Instant replied{};  // after the last byte of the reply was read, or when waiting ended
    bool sent_anything = false;
    Result<HttpReply> reply;
};

/// HTTP inside the hold: prepared connections, everything in parallel, never a byte sent twice.
class HeldHttp {
public:
    virtual ~HeldHttp() = default;

    /// Resolves, connects, does TLS and serialises, all requests in parallel, before the hold.
    /// A request that cannot be prepared is an Error at its place: http_failed, or
    /// settings_malformed for one that cannot be written as HTTP.
    virtual std::vector<Result<std::unique_ptr<PreparedRequest>>> prepare(
        std::vector<HttpRequest> requests, Deadline deadline) = 0;

    /// Looks whether the prepared connections are still open and makes fresh ones where they are
    /// not, all in parallel. Called just before the first freeze. A result for each request, in
    /// order; errors: as prepare.
    virtual std::vector<Result<void>> refresh(const std::vector<PreparedRequest*>& requests,
                                              Deadline deadline) = 0;

    /// Sends all at once and waits for every reply or `deadline`. A connection found closed before
    /// its first byte is replaced once; after a byte was sent, never. A prepared request is sent
    /// once: a second time is an error.
    virtual std::vector<Exchange> send(const std::vector<PreparedRequest*>& requests,
                                       Deadline deadline) = 0;
};

}  // namespace stillpoint
