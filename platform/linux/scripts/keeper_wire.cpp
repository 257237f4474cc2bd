// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/scripts/keeper_wire.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

#include <sys/socket.h>

#include "platform/linux/local_socket.h"

namespace stillpoint::linux_os::keeper_wire {
namespace {

// A plugin's two scripts with all their parameters, or one output: see script_config.cpp and
// capped_output.h.
constexpr std::size_t kMostBytes = 128 * 1024;
constexpr std::size_t kMostFds = 4;

/// Words of a command line hold no zero byte.
std::string joined(const Words& words) {
    std::string text;
    for (const std::string& word : words) {
        text += word;
        text += '\0';
    }
    return text;
}

Words split(std::string_view text) {
    Words words;
    while (!text.empty()) {
        const std::size_t end = text.find('\0');
        words.emplace_back(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return words;
}

}  // namespace

void limit_sending(int socket, std::chrono::seconds limit) {
    const timeval time{.tv_sec = limit.count(), .tv_usec = 0};
    (void)::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
}

Result<void> send(int socket, const Words& words, const std::vector<int>& fds) {
    std::string text = joined(words);
    alignas(cmsghdr) std::array<char, CMSG_SPACE(kMostFds * sizeof(int))> control{};
    iovec part{text.data(), text.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (!fds.empty() && fds.size() <= kMostFds) {
        message.msg_control = control.data();
        message.msg_controllen = CMSG_SPACE(fds.size() * sizeof(int));
        cmsghdr* header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
        std::memcpy(CMSG_DATA(header), fds.data(), fds.size() * sizeof(int));
    }
    while (::sendmsg(socket, &message, MSG_NOSIGNAL) < 0) {
        if (errno != EINTR) {
            return fail(Code::internal, "cannot speak with the keeper of the scripts")
                .with_errno(errno);
        }
    }
    return {};
}

std::optional<Message> receive(int socket, Instant until) {
    if (!readable(socket, until)) {
        return std::nullopt;
    }
    std::string text(kMostBytes, '\0');
    alignas(cmsghdr) std::array<char, CMSG_SPACE(kMostFds * sizeof(int))> control{};
    iovec part{text.data(), text.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t size = ::recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    Message received;
    for (cmsghdr* header = size > 0 ? CMSG_FIRSTHDR(&message) : nullptr; header != nullptr;
         header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) {
            continue;
        }
        const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < count; ++i) {
            int fd = -1;
            std::memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof fd);
            received.fds.emplace_back(fd);
        }
    }
    if (size <= 0 || (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
        return std::nullopt;
    }
    received.words = split(std::string_view(text).substr(0, static_cast<std::size_t>(size)));
    return received;
}

std::optional<long> number_from(const std::string& word) {
    long number = 0;
    const char* end = word.data() + word.size();
    const auto [stopped, error] = std::from_chars(word.data(), end, number);
    return error == std::errc() && stopped == end ? std::optional(number) : std::nullopt;
}

Words words_of(const ScriptResult& result) {
    return {kResult,
            std::to_string(static_cast<int>(result.how)),
            std::to_string(result.number),
            std::to_string(static_cast<int>(result.changed)),
            std::to_string(result.runs),
            std::to_string(result.took.count()),
            result.output};
}

std::optional<ScriptResult> result_from(const Words& words) {
    if (words.size() != 7 || words[0] != kResult) {
        return std::nullopt;
    }
    std::array<long, 5> numbers{};
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        const auto number = number_from(words[i + 1]);
        if (!number) {
            return std::nullopt;
        }
        numbers[i] = *number;
    }
    if (numbers[0] < 0 || numbers[0] > static_cast<long>(ScriptResult::How::lost)) {
        return std::nullopt;
    }
    return ScriptResult{.how = static_cast<ScriptResult::How>(numbers[0]),
                        .number = static_cast<int>(numbers[1]),
                        .changed = numbers[2] != 0,
                        .runs = static_cast<int>(numbers[3]),
                        .took = Instant(numbers[4]),
                        .output = words[6]};
}

}  // namespace stillpoint::linux_os::keeper_wire
