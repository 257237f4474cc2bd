// SPDX-License-Identifier: Apache-2.0
// How long the snapshot calls of the hold take on prepared connections: N parallel PUTs over https
// to a server on the loopback interface in the same process.
//   held_http_bench [DISKS [ROUNDS]]
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "platform/linux/beast_held_http.h"
#include "platform/linux/system_clock.h"
#include "tests/support/scripted_server.h"
#include "tests/support/test_ca.h"

namespace {

using namespace stillpoint;

struct Round {
    double prepare_ms = 0;
    double send_ms = 0;
};

double ms(Instant span) {
    return std::chrono::duration<double, std::milli>(span).count();
}

std::vector<HttpRequest> make_requests(int count, int port) {
    std::vector<HttpRequest> requests;
    for (int i = 0; i < count; ++i) {
        HttpRequest request;
        request.method = "PUT";
        request.target = {true, "127.0.0.1", port, "/vhds/disk" + std::to_string(i) + ".vhd",
                          Secret(std::string("sig=x&comp=snapshot"))};
        request.headers = {{"x-ms-meta-BackupId", "11112222-3333-4444-5555-666677778888"}};
        requests.push_back(std::move(request));
    }
    return requests;
}

bool run_round(HeldHttp& http, const Clock& clock, int disks, int port, Round& round) {
    const Deadline deadline(clock.now() + std::chrono::seconds(10));
    const Instant start = clock.now();
    auto prepared = http.prepare(make_requests(disks, port), deadline);
    round.prepare_ms = ms(clock.now() - start);
    std::vector<PreparedRequest*> ready;
    for (auto& entry : prepared) {
        if (!entry) {
            std::fprintf(stderr, "%s\n", entry.error().describe().c_str());
            return false;
        }
        ready.push_back(entry->get());
    }
    const Instant sending = clock.now();
    const std::vector<Exchange> exchanges = http.send(ready, deadline);
    round.send_ms = ms(clock.now() - sending);
    return std::ranges::all_of(exchanges, [](const Exchange& one) { return bool(one.reply); });
}

void print(const char* what, std::vector<double> values) {
    std::ranges::sort(values);
    const auto at = [&values](double share) {
        return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
    };
    std::printf("%-8s p50 %6.2f ms  p99 %6.2f ms  max %6.2f ms\n", what, at(0.5), at(0.99),
                values.back());
}

}  // namespace

int main(int argc, char** argv) {
    const int disks = argc > 1 ? std::atoi(argv[1]) : 32;
    const int rounds = argc > 2 ? std::atoi(argv[2]) : 100;
    const stillpoint::testing::TestCa ca;
    stillpoint::testing::ScriptedServer server(
        stillpoint::testing::replies(201, "x-ms-snapshot: T\r\n", ""),
        ca.server_context("IP:127.0.0.1"));
    const linux_os::SystemClock clock;
    linux_os::BeastHeldHttp http(clock, {ca.bundle(), linux_os::look_up_host});
    std::vector<double> prepare;
    std::vector<double> send;
    for (int i = 0; i < rounds; ++i) {
        Round round;
        if (!run_round(http, clock, disks, server.port(), round)) {
            return 1;
        }
        prepare.push_back(round.prepare_ms);
        send.push_back(round.send_ms);
    }
    std::printf("%d disks, %d rounds\n", disks, rounds);
    print("prepare", prepare);
    print("send", send);
    return 0;
}
