// SPDX-License-Identifier: Apache-2.0
// What the engine asks of the kernel inside the hold. A filter in the kernel counts every call that
// would open a file, start a process or reach a name service, for the thread that sends.
#include <array>
#include <csignal>
#include <cstddef>
#include <thread>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>

#include "tests/support/tunnel_proxy.h"
#include "tests/unit/http/held_http_fixture.h"

namespace stillpoint::testing {
namespace {

std::atomic<int> forbidden_calls{0};

// Answers the call that was caught with EPERM.
void count_call(int, siginfo_t*, void* context) {
    ++forbidden_calls;
#if defined(__x86_64__)
    static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RAX] = -EPERM;
#elif defined(__aarch64__)
    static_cast<ucontext_t*>(context)->uc_mcontext.regs[0] = static_cast<unsigned long>(-EPERM);
#endif
}

constexpr std::array kForbidden = {
    SYS_openat,    SYS_openat2, SYS_execve, SYS_execveat, SYS_newfstatat, SYS_statx, SYS_readlinkat,
    SYS_faccessat, SYS_clone,   SYS_clone3, SYS_fsync,    SYS_fdatasync,  SYS_bind,  SYS_sendmmsg,
#if defined(__x86_64__)
    SYS_open,      SYS_creat,   SYS_stat,   SYS_access,   SYS_fork,       SYS_vfork,
#endif
};

// From here on this thread's forbidden calls raise SIGSYS. Other threads go on as before.
bool forbid_on_this_thread() {
    struct sigaction action {};
    action.sa_sigaction = count_call;
    action.sa_flags = SA_SIGINFO;
    if (::sigaction(SIGSYS, &action, nullptr) != 0) {
        return false;
    }
    std::vector<sock_filter> program;
    program.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)));
    for (const long number : kForbidden) {
        program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(number), 0, 1));
        program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP));
    }
    program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

struct HeldSection : HeldHttpTest {
    std::vector<Exchange> exchanges;
    int counted = -1;
    bool filtered = false;

    // Prepares, lets `meanwhile` happen, and sends under the filter. All on one new thread, which
    // takes its filter with it when it ends.
    void send_filtered(std::vector<HttpRequest> requests, const std::function<void()>& meanwhile) {
        send_filtered(std::move(requests), meanwhile, http);
    }
    void send_filtered(std::vector<HttpRequest> requests, const std::function<void()>& meanwhile,
                       linux_os::BeastHeldHttp& engine) {
        std::thread([&] {
            Prepared prepared = engine.prepare(std::move(requests), in(std::chrono::seconds(10)));
            std::vector<PreparedRequest*> ready;
            for (auto& entry : prepared) {
                ASSERT_TRUE(entry) << entry.error().describe();
                ready.push_back(entry->get());
            }
            meanwhile();
            forbidden_calls = 0;
            filtered = forbid_on_this_thread();
            exchanges = engine.send(ready, in(std::chrono::seconds(10)));
            counted = forbidden_calls;
        }).join();
    }
};
INSTANTIATE_TEST_SUITE_P(Both, HeldSection, ::testing::Bool(), plain_or_tls);

TEST_P(HeldSection, OpensNoFileAndStartsNothing) {
    ScriptedServer server(replies(201, "x-ms-snapshot: T\r\n", "a body"), server_tls());
    std::vector<HttpRequest> requests;
    for (int i = 0; i < 4; ++i) {
        requests.push_back(put(server.port(), tls()));
    }

    send_filtered(std::move(requests), [] {});

    ASSERT_TRUE(filtered);
    EXPECT_EQ(counted, 0);
    ASSERT_EQ(exchanges.size(), 4u);
    for (const Exchange& exchange : exchanges) {
        EXPECT_TRUE(exchange.reply);
    }
}

TEST_P(HeldSection, OpensNoFileEvenForAFreshConnectionOrAFailure) {
    ScriptedServer closed(replies(201, "", ""), server_tls());
    ScriptedServer broken(sends_and_closes("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"),
                          server_tls());
    ScriptedServer gone(replies(201, "", ""), server_tls());
    std::vector<HttpRequest> requests;
    for (const int port : {closed.port(), broken.port(), gone.port()}) {
        requests.push_back(put(port, tls()));
    }

    send_filtered(std::move(requests), [&] {
        ASSERT_TRUE(closed.wait_for_connections(1) && gone.wait_for_connections(1));
        closed.close_connections();
        gone.close_connections();
        gone.stop_listening();
    });

    ASSERT_TRUE(filtered);
    EXPECT_EQ(counted, 0);
    ASSERT_EQ(exchanges.size(), 3u);
    EXPECT_TRUE(exchanges[0].reply);
    EXPECT_FALSE(exchanges[1].reply);
    EXPECT_FALSE(exchanges[2].reply);
    EXPECT_EQ(look_ups->load(), 1);
}

TEST_P(HeldSection, OpensNoFileEvenForAFreshTunnel) {
    ScriptedServer server(replies(201, "", ""), server_tls());
    TunnelProxy proxy;
    auto hop = std::make_shared<ProxyServer>();
    hop->host = "127.0.0.1";
    hop->port = proxy.port();
    hop->credentials = Secret(std::string("user:word"));
    linux_os::BeastHeldHttp engine(
        clock, {.ca_bundle = test_ca().bundle(),
                .look_up = resolver(),
                .proxies = std::make_shared<ProxyRules>(ProxyRules::Settings{
                    .for_tls = hop, .for_plain = hop, .exceptions = {}, .local_hosts = {}}),
                .warn = {}});
    std::vector<HttpRequest> requests;
    requests.push_back(put(server.port(), tls()));

    send_filtered(
        std::move(requests), [&] { proxy.close_tunnels(); }, engine);

    ASSERT_TRUE(filtered);
    EXPECT_EQ(counted, 0);
    EXPECT_TRUE(exchanges.at(0).reply) << exchanges[0].reply.error().describe();
    EXPECT_EQ(proxy.requests().size(), 2u);
}

TEST(HeldSectionFilter, CountsAFileThatIsOpened) {
    int counted = 0;
    std::thread([&counted] {
        forbidden_calls = 0;
        ASSERT_TRUE(forbid_on_this_thread());
        std::FILE* file = std::fopen("/proc/self/status", "r");
        counted = forbidden_calls;
        EXPECT_EQ(file, nullptr);
    }).join();

    EXPECT_GT(counted, 0) << "the filter of the tests above proves nothing";
}

}  // namespace
}  // namespace stillpoint::testing
