// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "platform/http_wire.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/journal.h"

namespace stillpoint::testing {

/// Prepared connections in memory. Enforces the seam's rules on everyone: what is sent was
/// prepared here and not sent before, and every call has a deadline that has not passed.
class FakeHeldHttp final : public HeldHttp {
public:
    explicit FakeHeldHttp(FakeClock& clock) : clock_(clock) {}
    ~FakeHeldHttp() override { EXPECT_EQ(alive_, 0) << "a prepared request outlives its client"; }

    std::function<Result<HttpReply>(const std::string& wire)> answer = [](const std::string&) {
        return Result<HttpReply>(HttpReply{201, {}, {}});
    };
    std::map<std::string, Error> cannot_prepare;  // by path
    std::optional<Error> cannot_refresh;
    std::chrono::milliseconds reply_takes{50};
    std::vector<std::string> sent;  // the wire bytes of every request
    std::optional<Deadline> send_deadline;
    int refreshed = 0;
    Journal* journal = nullptr;  // "prepare", "refresh", "send", and the last part of the path

    std::vector<Result<std::unique_ptr<PreparedRequest>>> prepare(std::vector<HttpRequest> requests,
                                                                  Deadline deadline) override {
        EXPECT_FALSE(deadline.passed(clock_.now()));
        std::vector<Result<std::unique_ptr<PreparedRequest>>> prepared;
        for (const HttpRequest& request : requests) {
            const std::string& path = request.target.path;
            const std::string name = path.substr(path.rfind('/') + 1);
            note("prepare " + name);
            const Result<Secret> wire = wire_bytes(request);
            const auto refused = cannot_prepare.find(path);
            if (!wire) {
                prepared.emplace_back(wire.error());
            } else if (refused != cannot_prepare.end()) {
                prepared.emplace_back(refused->second);
            } else {
                auto one = std::make_unique<Prepared>(alive_, name, std::string(wire->reveal()));
                prepared.emplace_back(std::unique_ptr<PreparedRequest>(std::move(one)));
            }
        }
        return prepared;
    }

    std::vector<Result<void>> refresh(const std::vector<PreparedRequest*>& requests,
                                      Deadline deadline) override {
        EXPECT_FALSE(deadline.passed(clock_.now()));
        std::vector<Result<void>> results;
        for (const PreparedRequest* request : requests) {
            const auto& one = static_cast<const Prepared&>(*request);
            EXPECT_FALSE(one.sent) << "refreshed after it was sent";
            note("refresh " + one.name);
            ++refreshed;
            results.push_back(cannot_refresh ? Result<void>(*cannot_refresh) : Result<void>());
        }
        return results;
    }

    std::vector<Exchange> send(const std::vector<PreparedRequest*>& requests,
                               Deadline deadline) override {
        send_deadline = deadline;
        const Instant now = clock_.now();
        clock_.advance(reply_takes);
        std::vector<Exchange> exchanges;
        for (PreparedRequest* request : requests) {
            auto& one = static_cast<Prepared&>(*request);
            EXPECT_FALSE(std::exchange(one.sent, true)) << "sent twice";
            note("send " + one.name);
            sent.push_back(one.wire);
            exchanges.push_back(Exchange{now, clock_.now(), true, answer(one.wire)});
        }
        return exchanges;
    }

private:
    struct Prepared final : PreparedRequest {
        Prepared(int& counter, std::string path_end, std::string bytes)
            : alive(counter), name(std::move(path_end)), wire(std::move(bytes)) {
            ++alive;
        }
        ~Prepared() override { --alive; }
        int& alive;
        std::string name;
        std::string wire;
        bool sent = false;
    };

    void note(std::string what) {
        if (journal != nullptr) {
            journal->push_back(std::move(what));
        }
    }

    FakeClock& clock_;
    int alive_ = 0;
};

}  // namespace stillpoint::testing
