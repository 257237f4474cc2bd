// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "platform/http_client.h"

namespace stillpoint {

/// Writes a text over a blob: the status and the log of a backup.
class BlobUpload {
public:
    struct Settings {
        std::chrono::milliseconds limit = std::chrono::seconds(10);  // of one request
        int attempts = 3;                                            // of one request
        /// Waits between attempts, twice as long each time from `first_pause` on.
        std::chrono::milliseconds first_pause = std::chrono::milliseconds(500);
        std::function<void(std::chrono::milliseconds)> pause;  // empty: sleeps
    };

    explicit BlobUpload(HttpClient& http) : BlobUpload(http, Settings()) {}
    BlobUpload(HttpClient& http, Settings settings);

    /// Replaces the whole blob, whatever it held. A page blob keeps its kind: it is cleared, made
    /// large enough and filled with the text, padded with blanks to whole pages; of a text beyond
    /// 10 MiB (or the blob's own larger size) the end is kept. Every step may be repeated safely.
    /// Errors: upload_failed, naming the blob and the step.
    Result<void> put(const HttpTarget& blob, std::string_view text);

private:
    struct Known;

    Known look_at(const HttpTarget& blob);
    Result<void> put_block(const HttpTarget& blob, std::string_view text, bool& is_page_blob);
    Result<void> put_pages(const HttpTarget& blob, std::string_view text, std::uint64_t length);
    Result<HttpReply> send(const std::function<HttpRequest()>& make);
    Result<void> step(const HttpTarget& blob, const char* what,
                      const std::function<HttpRequest()>& make);

    HttpClient& http_;
    Settings settings_;
};

}  // namespace stillpoint
