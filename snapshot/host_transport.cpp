// SPDX-License-Identifier: Apache-2.0
#include "snapshot/host_transport.h"

namespace stillpoint {
namespace {

Error unreachable(const Error& cause) {
    return fail(Code::host_unreachable, "the host's snapshot service cannot be reached")
        .caused_by(cause);
}

}  // namespace

HostTransport::HostTransport(HeldHttp& http, const Clock& clock, const BackupRequest& request,
                             std::optional<HostEncryption> encryption, Settings settings)
    : http_(http),
      clock_(clock),
      request_(request),
      encryption_(std::move(encryption)),
      settings_(std::move(settings)) {}

Result<void> HostTransport::prepare(Deadline deadline) {
    Result<std::string> body = dosnapshot_body(request_, encryption_);
    if (!body) {
        return body.error();
    }
    std::vector<HttpRequest> requests;
    requests.push_back(host_request(settings_.endpoint, "dosnapshot", std::move(*body)));
    auto prepared = http_.prepare(std::move(requests), deadline);
    if (!prepared.at(0)) {
        return unreachable(prepared[0].error());
    }
    prepared_ = std::move(*prepared[0]);
    return {};
}

Result<void> HostTransport::refresh(Deadline deadline) {
    if (!prepared_) {
        return fail(Code::internal, "dosnapshot was not prepared");
    }
    const auto fresh = http_.refresh({prepared_.get()}, deadline);
    if (!fresh.at(0)) {
        return unreachable(fresh[0].error());
    }
    return {};
}

SnapshotOutcome HostTransport::take() {
    if (!prepared_) {
        SnapshotOutcome outcome;
        outcome.by = SnapshotOutcome::By::host;
        outcome.error = fail(Code::internal, "dosnapshot was not prepared");
        return outcome;
    }
    const Deadline deadline(clock_.now() + settings_.reply_wait);
    const std::vector<Exchange> exchanges = http_.send({prepared_.get()}, deadline);
    const Exchange& exchange = exchanges.at(0);
    SnapshotOutcome outcome = read_dosnapshot(exchange.reply, request_.luns);
    outcome.first_sent = exchange.sent;
    outcome.last_reply = exchange.replied;
    return outcome;
}

}  // namespace stillpoint
