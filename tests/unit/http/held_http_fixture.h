// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "platform/linux/beast_held_http.h"
#include "platform/linux/system_clock.h"
#include "tests/support/scripted_server.h"
#include "tests/support/test_ca.h"

namespace stillpoint::testing {

using Prepared = std::vector<Result<std::unique_ptr<PreparedRequest>>>;

inline const TestCa& test_ca() {
    static const TestCa ca;
    return ca;
}

/// The engine, with a resolver that knows one name.
struct HeldHttpFixture {
    linux_os::SystemClock clock;
    std::shared_ptr<std::atomic<int>> look_ups = std::make_shared<std::atomic<int>>(0);
    linux_os::BeastHeldHttp http{clock, {.ca_bundle = test_ca().bundle(), .look_up = resolver()}};

    linux_os::LookUp resolver() const {
        return [counter = look_ups](const std::string& host) -> Result<linux_os::Addresses> {
            ++*counter;
            if (host != "blob.test") {
                return fail(Code::http_failed, "cannot resolve '" + host + "'");
            }
            return linux_os::Addresses{"127.0.0.1"};
        };
    }

    Deadline in(std::chrono::milliseconds time) const { return Deadline(clock.now() + time); }

    static HttpRequest put(int port, bool tls, const std::string& host = "blob.test") {
        HttpRequest request;
        request.method = "PUT";
        request.target = {tls, host, port, "/vhds/disk0.vhd",
                          Secret(std::string("sv=1&sig=a%2Bb%3D&comp=snapshot"))};
        request.headers = {{"x-ms-meta-BackupId", "1111"}, {"x-ms-meta-DeploymentType", "IaaS"}};
        return request;
    }

    std::unique_ptr<PreparedRequest> prepare_one(HttpRequest request) {
        std::vector<HttpRequest> requests;
        requests.push_back(std::move(request));
        Prepared prepared = http.prepare(std::move(requests), in(std::chrono::seconds(10)));
        if (prepared.size() != 1 || !prepared.front()) {
            ADD_FAILURE() << (prepared.empty() ? "nothing" : prepared.front().error().describe());
            return nullptr;
        }
        return std::move(*prepared.front());
    }

    Result<void> refresh_one(PreparedRequest* request) {
        return http.refresh({request}, in(std::chrono::seconds(5))).at(0);
    }

    Exchange send_one(PreparedRequest* request,
                      std::chrono::milliseconds limit = std::chrono::seconds(10)) {
        std::vector<Exchange> exchanges = http.send({request}, in(limit));
        EXPECT_EQ(exchanges.size(), 1u);
        return std::move(exchanges.front());
    }
};

/// Each test once over plain TCP and once over TLS.
struct HeldHttpTest : HeldHttpFixture, ::testing::TestWithParam<bool> {
    bool tls() const { return GetParam(); }
    std::shared_ptr<SSL_CTX> server_tls() const {
        return tls() ? test_ca().server_context("DNS:blob.test,IP:127.0.0.1") : nullptr;
    }
    Exchange exchange_with(ScriptedServer& server,
                           std::chrono::milliseconds limit = std::chrono::seconds(10)) {
        const auto request = prepare_one(put(server.port(), tls()));
        return send_one(request.get(), limit);
    }
};

inline std::string plain_or_tls(const ::testing::TestParamInfo<bool>& info) {
    return info.param ? "Tls" : "Plain";
}

}  // namespace stillpoint::testing
