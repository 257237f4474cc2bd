// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "platform/http_client.h"

namespace stillpoint::testing {

inline HttpReply http_reply(int status, std::string body = {}, HttpHeaders headers = {}) {
    return HttpReply{status, std::move(headers), std::move(body)};
}

/// A server that remembers. Answers by `answer`, or with what was queued.
class FakeHttpClient final : public HttpClient {
public:
    struct Sent {
        std::string line;  // "PUT /container/blob?query"
        HttpHeaders headers;
        std::string body;
        std::chrono::milliseconds timeout{};

        std::string header(std::string_view name) const {
            return std::string(HttpReply{0, headers, {}}.header(name));
        }
    };

    std::function<Result<HttpReply>(const Sent&)> answer;
    std::deque<Result<HttpReply>> queued;
    std::vector<Sent> sent;

    Result<HttpReply> send(HttpRequest request, std::chrono::milliseconds timeout) override {
        EXPECT_GT(timeout.count(), 0) << "a request without a limit";
        std::string line = request.method + " " + request.target.path;
        if (!request.target.query.empty()) {
            line.append("?").append(request.target.query.reveal());
        }
        sent.push_back({line, request.headers, request.body, timeout});
        if (answer) {
            return answer(sent.back());
        }
        if (queued.empty()) {
            return fail(Code::http_failed, "nothing was queued for '" + request.target.path + "'");
        }
        Result<HttpReply> next = queued.front();
        queued.pop_front();
        return next;
    }
};

}  // namespace stillpoint::testing
