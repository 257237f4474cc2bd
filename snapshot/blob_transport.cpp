// SPDX-License-Identifier: Apache-2.0
#include "snapshot/blob_transport.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace stillpoint {
namespace {

constexpr const char* kEncryptionKey = "DiskEncryptionSettings";

Error unreachable(const HttpTarget& blob, const Error& cause) {
    if (cause.code() == Code::settings_malformed) {
        return cause;
    }
    return fail(Code::blob_unreachable, "no connection for '" + blob_uri(blob) + "'")
        .caused_by(cause);
}

// "Sun, 22 Nov 2026 21:17:32 GMT": RFC 9110, 5.6.7. Not strftime, whose names follow the locale.
std::string http_date(WallTime at) {
    constexpr std::array kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    constexpr std::array kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const auto day = std::chrono::floor<std::chrono::days>(at);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss time(std::chrono::floor<std::chrono::seconds>(at - day));
    char text[40];
    std::snprintf(text, sizeof text, "%s, %02u %s %04d %02d:%02d:%02d GMT",
                  kDays[std::chrono::weekday(day).c_encoding()], static_cast<unsigned>(date.day()),
                  kMonths[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()),
                  static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                  static_cast<int>(time.seconds().count()));
    return text;
}

}  // namespace

BlobTransport::BlobTransport(HeldHttp& http, const Clock& clock, std::vector<HttpTarget> blobs,
                             Settings settings)
    : http_(http), clock_(clock), blobs_(std::move(blobs)), settings_(std::move(settings)) {}

Result<void> BlobTransport::prepare(Deadline deadline) {
    if (blobs_.empty()) {
        return fail(Code::blobs_missing, "the settings name no blob to snapshot");
    }
    std::vector<HttpRequest> requests;
    for (std::size_t i = 0; i < blobs_.size(); ++i) {
        BlobMetadata metadata = settings_.metadata;
        if (i < settings_.encryption.size() && !settings_.encryption[i].empty()) {
            metadata.emplace_back(kEncryptionKey, settings_.encryption[i]);
        }
        Result<HttpRequest> request = snapshot_request(blobs_[i], metadata);
        if (!request) {
            return request.error();
        }
        requests.push_back(std::move(*request));
    }
    auto prepared = http_.prepare(std::move(requests), deadline);
    prepared_.clear();
    unreachable_.assign(blobs_.size(), std::nullopt);
    for (std::size_t i = 0; i < blobs_.size(); ++i) {
        if (prepared.at(i)) {
            prepared_.push_back(std::move(*prepared[i]));
        } else {
            unreachable_[i] = unreachable(blobs_[i], prepared[i].error());
        }
    }
    return all_reachable();
}

Result<void> BlobTransport::refresh(Deadline deadline) {
    if (prepared_.size() != blobs_.size()) {
        return fail(Code::internal, "the snapshots were not prepared");
    }
    const auto fresh = http_.refresh(requests(), deadline);
    for (std::size_t i = 0; i < prepared_.size(); ++i) {
        if (!fresh.at(i)) {
            unreachable_[i] = unreachable(blobs_[i], fresh[i].error());
        }
    }
    return all_reachable();
}

Result<void> BlobTransport::all_reachable() const {
    for (const std::optional<Error>& error : unreachable_) {
        if (error) {
            return *error;
        }
    }
    return {};
}

std::vector<PreparedRequest*> BlobTransport::requests() const {
    std::vector<PreparedRequest*> all;
    for (const auto& request : prepared_) {
        all.push_back(request.get());
    }
    return all;
}

SnapshotOutcome BlobTransport::untried() const {
    SnapshotOutcome outcome;
    outcome.by = SnapshotOutcome::By::guest;
    for (const std::optional<Error>& error : unreachable_) {
        DiskOutcome disk = untried_disk();
        if (error) {
            disk.service_message.clear();
            disk.error = error;
        }
        outcome.disks.push_back(std::move(disk));
    }
    return outcome;
}

SnapshotOutcome BlobTransport::take() {
    SnapshotOutcome outcome;
    outcome.by = SnapshotOutcome::By::guest;
    if (prepared_.empty()) {
        outcome.error = fail(Code::internal, "the snapshots were not prepared");
        return outcome;
    }
    const std::vector<Exchange> exchanges =
        http_.send(requests(), Deadline(clock_.now() + settings_.reply_wait));
    outcome.answered = true;
    for (std::size_t i = 0; i < exchanges.size(); ++i) {
        const Exchange& exchange = exchanges[i];
        if (exchange.sent_anything &&
            (outcome.first_sent == Instant{} || exchange.sent < outcome.first_sent)) {
            outcome.first_sent = exchange.sent;
        }
        outcome.last_reply = std::max(outcome.last_reply, exchange.replied);
        outcome.answered = outcome.answered && exchange.reply.has_value();
        outcome.disks.push_back(read_snapshot_reply(blobs_[i], exchange.reply));
    }
    return outcome;
}

std::vector<std::string> read_blob_encryption(HttpClient& http, const Clock& clock,
                                              const std::vector<HttpTarget>& blobs) {
    std::vector<std::string> all;
    for (const HttpTarget& blob : blobs) {
        HttpRequest request;
        request.method = "GET";
        request.target = with_component(blob, "metadata");
        request.headers = {{"x-ms-date", http_date(clock.wall_now())},
                           {"x-ms-version", "2018-03-28"}};
        const Result<HttpReply> reply = http.send(std::move(request), std::chrono::seconds(10));
        const bool good = reply && (reply->status == 200 || reply->status == 201);
        all.emplace_back(good ? reply->header(std::string("x-ms-meta-") + kEncryptionKey)
                              : std::string_view());
    }
    return all;
}

}  // namespace stillpoint
