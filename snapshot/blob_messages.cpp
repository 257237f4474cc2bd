// SPDX-License-Identifier: Apache-2.0
#include "snapshot/blob_messages.h"

#include "base/json_text.h"
#include "platform/http_wire.h"

namespace stillpoint {
namespace {

// What is reported of a disk whose service did not answer at all.
constexpr int kStatusWithoutReply = 500;

Code code_of(std::string_view body) {
    // The service's own sentences; its error codes are not the same for all kinds of accounts.
    if (body.find("The snapshot count against this blob has been exceeded") != body.npos) {
        return Code::snapshot_limit_reached;
    }
    if (body.find("The rate of snapshot blob calls is exceeded") != body.npos) {
        return Code::snapshot_rate_exceeded;
    }
    return Code::blob_refused;
}

}  // namespace

std::string blob_uri(const HttpTarget& blob) {
    // As the settings name it: whoever compares addresses compares texts.
    return std::string(blob.tls ? "https://" : "http://") +
           (blob.port_given ? blob.shown_host() : host_header(blob)) + blob.path;
}

HttpTarget with_component(const HttpTarget& blob, const std::string& component) {
    HttpTarget target = blob.duplicate();
    std::string query;
    query.reserve(blob.query.reveal().size() + component.size() + 6);
    query.append(blob.query.reveal()).append(blob.query.empty() ? "" : "&");
    query.append("comp=").append(component);
    target.query = Secret(std::move(query));
    return target;
}

Result<HttpRequest> snapshot_request(const HttpTarget& blob, const BlobMetadata& metadata) {
    HttpRequest request;
    request.method = "PUT";
    request.target = with_component(blob, "snapshot");
    for (const auto& [key, value] : metadata) {
        if (!is_header_name(key)) {
            return fail(Code::settings_malformed,
                        "'backupMetadata' has a key that cannot be a header's name");
        }
        if (!is_header_value(value)) {
            return fail(Code::settings_malformed,
                        "'backupMetadata' has a value that cannot be a header's, of '" + key + "'");
        }
        request.headers.emplace_back("x-ms-meta-" + key, value);
    }
    return request;
}

DiskOutcome read_snapshot_reply(const HttpTarget& blob, const Result<HttpReply>& reply) {
    DiskOutcome disk;
    const std::string uri = blob_uri(blob);
    if (!reply) {
        disk.status_code = kStatusWithoutReply;
        disk.error = fail(Code::blob_unreachable, "no answer about a snapshot of '" + uri + "'")
                         .caused_by(reply.error());
        return disk;
    }
    disk.status_code = reply->status;
    disk.service_message = std::string(without_bom(reply->body));
    if (reply->status != 200 && reply->status != 201) {
        disk.error =
            fail(code_of(reply->body), "the storage service took no snapshot of '" + uri + "'")
                .with_http(reply->status);
        return disk;
    }
    const std::string_view snapshot = reply->header("x-ms-snapshot");
    if (snapshot.empty()) {
        disk.error = fail(Code::blob_refused,
                          "the storage service did not name the snapshot of '" + uri + "'")
                         .with_http(reply->status);
        return disk;
    }
    disk.successful = true;
    disk.snapshot_uri = uri + "?snapshot=" + std::string(snapshot);
    return disk;
}

}  // namespace stillpoint
