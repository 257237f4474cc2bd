// SPDX-License-Identifier: Apache-2.0
#include <cerrno>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "platform/linux/guard/boottime.h"
#include "platform/linux/scripts/keeper_wire.h"

namespace stillpoint::linux_os {
namespace {

using namespace std::chrono_literals;
namespace wire = keeper_wire;

struct KeeperWire : ::testing::Test {
    UniqueFd near;
    UniqueFd far;

    KeeperWire() {
        int fds[2] = {-1, -1};
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
        near.reset(fds[0]);
        far.reset(fds[1]);
    }
    std::optional<wire::Message> receive() { return wire::receive(far.get(), boottime_now() + 5s); }
};

TEST_F(KeeperWire, CarriesWordsAlsoEmptyOnesAndDescriptors) {
    const UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    ASSERT_TRUE(wire::send(near.get(), {"pair", "", "two words", ""}, {null.get(), near.get()}));

    const auto message = receive();

    ASSERT_TRUE(message);
    EXPECT_EQ(message->words, (wire::Words{"pair", "", "two words", ""}));
    ASSERT_EQ(message->fds.size(), 2U);
    EXPECT_EQ(::fcntl(message->fds[0].get(), F_GETFD), FD_CLOEXEC);
}

TEST_F(KeeperWire, CarriesAResult) {
    const ScriptResult sent{.how = ScriptResult::How::signalled,
                            .number = 9,
                            .changed = true,
                            .runs = 3,
                            .took = 5s,
                            .output = "one\ntwo\n"};
    ASSERT_TRUE(wire::send(near.get(), wire::words_of(sent)));

    const auto got = wire::result_from(receive()->words);

    ASSERT_TRUE(got);
    EXPECT_EQ(wire::words_of(*got), wire::words_of(sent));
    EXPECT_FALSE(wire::result_from({"result", "99", "0", "0", "0", "0", ""}));
    EXPECT_FALSE(wire::result_from({"result", "x", "0", "0", "0", "0", ""}));
    EXPECT_FALSE(wire::result_from({"end", "asked"}));
}

TEST_F(KeeperWire, EndsWhenTheOtherSideIsGoneOrSaysNothing) {
    EXPECT_FALSE(wire::receive(far.get(), boottime_now() + 50ms));
    near.reset();
    EXPECT_FALSE(receive());
    EXPECT_FALSE(wire::send(far.get(), {"run"}));
}

TEST_F(KeeperWire, GivesUpOnAnOtherSideThatTakesNothing) {
    wire::limit_sending(near.get(), 1s);
    const std::string much(4000, 'x');
    Result<void> sent;
    for (int i = 0; sent && i < 10'000; ++i) {
        sent = wire::send(near.get(), {"result", much});
    }
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().os()->number, EAGAIN);
}

}  // namespace
}  // namespace stillpoint::linux_os
