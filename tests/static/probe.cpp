// SPDX-License-Identifier: Apache-2.0
// Everything in the static executable that could make it load one of the guest's shared objects,
// done once: names of users, hosts and services, OpenSSL's providers, and a thread for an exception
// to cross.
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string_view>
#include <thread>

#include <netdb.h>
#include <openssl/provider.h>
#include <openssl/ssl.h>
#include <pwd.h>

#include "agent/process.h"

namespace {

bool resolves_a_host_and_a_service() {
    addrinfo* found = nullptr;
    const int status = ::getaddrinfo("probe.test", "https", nullptr, &found);
    if (status != 0) {
        return false;
    }
    ::freeaddrinfo(found);
    return true;
}

bool starts_tls_without_the_guests_provider() {
    SSL_CTX* context = SSL_CTX_new(TLS_client_method());
    OSSL_PROVIDER* legacy = OSSL_PROVIDER_load(nullptr, "legacy");
    const bool holds = context != nullptr && legacy == nullptr;
    SSL_CTX_free(context);
    return holds;
}

bool carries_an_exception_out_of_a_thread() {
    std::exception_ptr caught;
    std::thread thread([&caught] {
        try {
            throw std::runtime_error("probe");
        } catch (...) {
            caught = std::current_exception();
        }
    });
    thread.join();
    return caught != nullptr;
}

bool say(std::string_view what, bool holds) {
    std::printf("%-45s %s\n", what.data(), holds ? "yes" : "NO");
    return holds;
}

}  // namespace

// "--unprepared" shows what happens without prepare_process(), by hand.
int main(int argc, char** argv) {
    if (argc < 2 || std::string_view(argv[1]) != "--unprepared") {
        stillpoint::prepare_process();
    }
    bool holds = say("finds a user", ::getpwnam("probe") != nullptr);
    holds &= say("resolves a host and a service", resolves_a_host_and_a_service());
    holds &=
        say("starts TLS without the guest's provider", starts_tls_without_the_guests_provider());
    holds &= say("carries an exception out of a thread", carries_an_exception_out_of_a_thread());
    return holds ? 0 : 1;
}
