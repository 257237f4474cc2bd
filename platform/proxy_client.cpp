// SPDX-License-Identifier: Apache-2.0
#include "platform/proxy_client.h"

namespace stillpoint {

Result<HttpReply> ProxyClient::send(HttpRequest request, std::chrono::milliseconds timeout) {
    if (!rules_->choose(request.target)) {
        return direct_.send(std::move(request), timeout);
    }
    const Deadline deadline(clock_.now() + timeout);
    std::vector<HttpRequest> requests;
    requests.push_back(std::move(request));
    const auto prepared = tunnels_.prepare(std::move(requests), deadline);
    if (!prepared.at(0)) {
        return prepared[0].error();
    }
    std::vector<Exchange> exchanges = tunnels_.send({prepared[0]->get()}, deadline);
    return std::move(exchanges.at(0).reply);
}

}  // namespace stillpoint
