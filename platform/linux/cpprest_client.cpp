// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/cpprest_client.h"

#include <array>
#include <atomic>
#include <future>
#include <mutex>
#include <optional>
#include <utility>  // before Asio: Boost 1.74 forgets it in C++20

#include <boost/asio/ssl.hpp>
#include <cpprest/http_client.h>
#include <cpprest/rawptrstream.h>
#include <openssl/ssl.h>
#include <pplx/threadpool.h>

#include "platform/http_wire.h"
#include "platform/linux/tls_trust.h"

namespace stillpoint::linux_os {
namespace {

namespace rest = web::http;

constexpr std::size_t kChunk = 64 * 1024;
// How long a cancelled request may take to notice. Only a look-up that hangs takes longer; it is
// left to end by itself.
constexpr std::chrono::seconds kCancelGrace{1};

// The library starts 40 threads unless told otherwise before its first use.
void limit_threads() {
    static std::once_flag once;
    std::call_once(once, [] {
        try {
            crossplat::threadpool::initialize_with_threads(2);
        } catch (const std::exception&) {
            // Somebody else in this program was first; any number of threads will do.
        }
    });
}

/// One request under way. Owned by the tasks that work on it and by the caller, who may leave.
struct Call : std::enable_shared_from_this<Call> {
    std::string host;
    std::size_t max_body = 0;
    std::optional<rest::client::http_client> client;
    pplx::cancellation_token_source cancel;
    std::promise<Result<HttpReply>> promise;
    std::atomic<bool> answered = false;

    std::string request_body;
    HttpReply reply;
    concurrency::streams::istream stream;
    std::array<std::uint8_t, kChunk> chunk{};

    void settle(Result<HttpReply> result) {
        if (!answered.exchange(true)) {
            promise.set_value(std::move(result));
        }
    }

    Error failed(const std::string& what) const {
        return fail(Code::http_failed, "the request to '" + host + "' failed")
            .caused_by(fail(Code::http_failed, what));
    }

    // Called inside a catch block: what the library threw, as a value. Its texts hold host names,
    // never a query.
    Error caught() const {
        try {
            throw;
        } catch (const rest::http_exception& error) {
            const std::error_code code = error.error_code();
            const bool is_errno = code.category() == std::generic_category() ||
                                  code.category() == std::system_category();
            const Error plain = failed(error.what());
            return is_errno && code.value() > 0 ? plain.with_errno(code.value()) : plain;
        } catch (const std::exception& error) {
            return failed(error.what());
        }
    }

    void start(const rest::http_request& request) {
        // Every task ends in a continuation that looks at it: one that is dropped with an exception
        // in it ends the process.
        client->request(request, cancel.get_token())
            .then([self = shared_from_this()](const pplx::task<rest::http_response>& task) {
                try {
                    self->take_head(task.get());
                } catch (...) {
                    self->settle(self->caught());
                }
            });
    }

    void take_head(const rest::http_response& response) {
        reply.status = response.status_code();
        if (reply.status < 200) {
            // The library takes 100 Continue for the reply itself.
            settle(failed("the server sent an interim reply"));
            return;
        }
        for (const auto& [name, value] : response.headers()) {
            reply.headers.emplace_back(name, value);
        }
        stream = response.body();
        read_on();
    }

    void read_on() {
        const concurrency::streams::rawptr_buffer<std::uint8_t> target(chunk.data(), chunk.size());
        stream.read(target, chunk.size())
            .then([self = shared_from_this()](const pplx::task<std::size_t>& task) {
                try {
                    self->take_chunk(task.get());
                } catch (...) {
                    self->settle(self->caught());
                }
            });
    }

    void take_chunk(std::size_t count) {
        if (count == 0) {
            settle(std::move(reply));
        } else if (reply.body.size() + count > max_body) {
            settle(
                failed("the reply's body is larger than " + std::to_string(max_body) + " bytes"));
            cancel.cancel();
        } else {
            reply.body.append(reinterpret_cast<const char*>(chunk.data()), count);
            read_on();
        }
    }
};

rest::http_request to_rest(const HttpRequest& request, const std::string& body) {
    rest::http_request out(request.method);
    std::string uri = request.target.path;
    if (!request.target.query.empty()) {
        uri.append("?").append(request.target.query.reveal());
    }
    out.set_request_uri(web::uri(uri));
    wipe(uri);
    if (!body.empty()) {
        out.set_body(concurrency::streams::rawptr_stream<std::uint8_t>::open_istream(
                         reinterpret_cast<const std::uint8_t*>(body.data()), body.size()),
                     body.size());
        out.headers().remove("Content-Type");
    } else if (request.method == "PUT" || request.method == "POST") {
        out.headers().set_content_length(0);
    }
    out.headers().add("Accept-Encoding", "identity");
    for (const auto& [name, value] : request.headers) {
        out.headers().add(name, value);
    }
    return out;
}

rest::client::http_client_config to_config(std::chrono::milliseconds timeout,
                                           const TlsTrust& trust) {
    rest::client::http_client_config config;
    config.set_max_redirects(0);
    // Per phase only; the total is kept by cancelling.
    config.set_timeout(timeout);
    config.set_validate_certificates(true);
    if (trust) {
        config.set_ssl_context_callback([trust](boost::asio::ssl::context& context) {
            SSL_CTX_set1_cert_store(context.native_handle(), trust.get());
            SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
        });
    }
    return config;
}

}  // namespace

struct CpprestClient::Trust {
    std::mutex mutex;
    TlsTrust store;

    Result<TlsTrust> load(const std::string& bundle) {
        const std::lock_guard lock(mutex);
        if (!store) {
            Result<TlsTrust> loaded = load_tls_trust(bundle);
            if (!loaded) {
                return fail(Code::http_failed, "TLS is not possible").caused_by(loaded.error());
            }
            store = *loaded;
        }
        return store;
    }
};

CpprestClient::CpprestClient(Settings settings)
    : settings_(std::move(settings)), trust_(std::make_unique<Trust>()) {}

CpprestClient::~CpprestClient() = default;

Result<HttpReply> CpprestClient::send(HttpRequest request, std::chrono::milliseconds timeout) {
    // The same check as for prepared requests: this library does not look at what it writes.
    if (const Result<Secret> wire = wire_bytes(request); !wire) {
        return wire.error();
    }
    TlsTrust trust;
    if (request.target.tls) {
        Result<TlsTrust> loaded = trust_->load(settings_.ca_bundle);
        if (!loaded) {
            return loaded.error();
        }
        trust = *loaded;
    }
    limit_threads();
    const auto call = std::make_shared<Call>();
    call->host = request.target.shown_host();
    call->max_body = settings_.max_body;
    call->request_body = std::move(request.body);
    std::future<Result<HttpReply>> future = call->promise.get_future();
    try {
        const std::string base =
            (request.target.tls ? "https://" : "http://") + host_header(request.target);
        call->client.emplace(web::uri(base), to_config(timeout, trust));
        call->start(to_rest(request, call->request_body));
    } catch (...) {
        call->settle(call->caught());
    }
    if (future.wait_for(timeout) != std::future_status::ready) {
        call->cancel.cancel();
        (void)future.wait_for(kCancelGrace);
        call->settle(call->failed("no reply in " + std::to_string(timeout.count()) + " ms"));
    }
    return future.get();
}

}  // namespace stillpoint::linux_os
