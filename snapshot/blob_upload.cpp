// SPDX-License-Identifier: Apache-2.0
#include "snapshot/blob_upload.h"

#include <algorithm>
#include <charconv>
#include <thread>

#include "snapshot/blob_messages.h"

namespace stillpoint {
namespace {

constexpr std::uint64_t kPage = 512;
constexpr std::uint64_t kMaxRange = 4 * 1024 * 1024;  // of one Put Page
constexpr std::uint64_t kMaxText = 10 * 1024 * 1024;

bool good(const HttpReply& reply) {
    return reply.status == 200 || reply.status == 201;
}

// What may be different the next time: the service is busy or had a fault of its own.
bool worth_another_try(const Result<HttpReply>& reply) {
    return !reply || reply->status >= 500 || reply->status == 408 || reply->status == 429;
}

Error refused(const HttpTarget& blob, const char* what, const Result<HttpReply>& reply) {
    const Error error =
        fail(Code::upload_failed, std::string("cannot ") + what + " '" + blob_uri(blob) + "'");
    return reply ? error.with_http(reply->status) : error.caused_by(reply.error());
}

std::string range(std::uint64_t first, std::uint64_t size) {
    return "bytes=" + std::to_string(first) + "-" + std::to_string(first + size - 1);
}

HttpRequest page_request(const HttpTarget& blob, const char* kind, const std::string& bytes,
                         std::string body) {
    HttpRequest request;
    request.method = "PUT";
    request.target = with_component(blob, "page");
    request.headers = {{"x-ms-page-write", kind}, {"x-ms-range", bytes}};
    request.body = std::move(body);
    return request;
}

// The end of the text, in whole pages.
std::string whole_pages(std::string_view text, std::uint64_t length) {
    const std::uint64_t most = std::max(kMaxText, length) / kPage * kPage;
    std::string pages(text.size() > most ? text.substr(text.size() - most) : text);
    pages.resize((pages.size() + kPage - 1) / kPage * kPage, ' ');
    return pages;
}

}  // namespace

/// What could be learned of the blob beforehand.
struct BlobUpload::Known {
    bool page_blob = false;
    std::uint64_t length = 0;
};

BlobUpload::BlobUpload(HttpClient& http, Settings settings)
    : http_(http), settings_(std::move(settings)) {
    if (!settings_.pause) {
        settings_.pause = [](std::chrono::milliseconds time) { std::this_thread::sleep_for(time); };
    }
}

Result<HttpReply> BlobUpload::send(const std::function<HttpRequest()>& make) {
    Result<HttpReply> reply = http_.send(make(), settings_.limit);
    std::chrono::milliseconds pause = settings_.first_pause;
    for (int attempt = 1; attempt < settings_.attempts && worth_another_try(reply); ++attempt) {
        settings_.pause(pause);
        pause *= 2;
        reply = http_.send(make(), settings_.limit);
    }
    return reply;
}

Result<void> BlobUpload::step(const HttpTarget& blob, const char* what,
                              const std::function<HttpRequest()>& make) {
    const Result<HttpReply> reply = send(make);
    if (!reply || !good(*reply)) {
        return refused(blob, what, reply);
    }
    return {};
}

// One try only: a SAS that allows nothing but writing is no fault, and then the blob is taken for
// what it nearly always is.
BlobUpload::Known BlobUpload::look_at(const HttpTarget& blob) {
    HttpRequest request;
    request.method = "HEAD";
    request.target = blob.duplicate();
    const Result<HttpReply> reply = http_.send(std::move(request), settings_.limit);
    Known known;
    if (!reply || reply->status != 200) {
        return known;
    }
    known.page_blob = reply->header("x-ms-blob-type") == "PageBlob";
    const std::string_view length = reply->header("Content-Length");
    (void)std::from_chars(length.data(), length.data() + length.size(), known.length);
    return known;
}

Result<void> BlobUpload::put(const HttpTarget& blob, std::string_view text) {
    const Known known = look_at(blob);
    bool is_page_blob = known.page_blob;
    if (!is_page_blob) {
        Result<void> done = put_block(blob, text, is_page_blob);
        if (!is_page_blob) {
            return done;
        }
    }
    return put_pages(blob, text, known.length);
}

Result<void> BlobUpload::put_block(const HttpTarget& blob, std::string_view text,
                                   bool& is_page_blob) {
    const Result<HttpReply> reply = send([&] {
        HttpRequest request;
        request.method = "PUT";
        request.target = blob.duplicate();
        request.headers = {{"x-ms-blob-type", "BlockBlob"}};
        request.body = std::string(text);
        return request;
    });
    if (reply && good(*reply)) {
        return {};
    }
    // Its type could not be read, and it is another one. Source: Blob service error codes,
    // "InvalidBlobType (409)".
    is_page_blob = reply && reply->status == 409 &&
                   (reply->header("x-ms-error-code") == "InvalidBlobType" ||
                    reply->body.find("InvalidBlobType") != std::string::npos);
    return refused(blob, "write", reply);
}

Result<void> BlobUpload::put_pages(const HttpTarget& blob, std::string_view text,
                                   std::uint64_t length) {
    const std::string pages = whole_pages(text, length);
    if (length > 0) {
        const Result<void> cleared =
            step(blob, "clear", [&] { return page_request(blob, "clear", range(0, length), {}); });
        if (!cleared) {
            return cleared;
        }
    }
    if (length < pages.size()) {
        const Result<void> resized = step(blob, "enlarge", [&] {
            HttpRequest request;
            request.method = "PUT";
            request.target = with_component(blob, "properties");
            request.headers = {{"x-ms-blob-content-length", std::to_string(pages.size())}};
            return request;
        });
        if (!resized) {
            return resized;
        }
    }
    for (std::uint64_t at = 0; at < pages.size(); at += kMaxRange) {
        const std::uint64_t size = std::min<std::uint64_t>(kMaxRange, pages.size() - at);
        const Result<void> written = step(blob, "write pages of", [&] {
            return page_request(blob, "update", range(at, size), pages.substr(at, size));
        });
        if (!written) {
            return written;
        }
    }
    return {};
}

}  // namespace stillpoint
