// SPDX-License-Identifier: Apache-2.0
#include "platform/no_proxy.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>

namespace stillpoint {
namespace {

constexpr std::string_view kPlatform = "168.63.129.16";

std::string lower(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return out;
}

std::optional<unsigned> parse_number(std::string_view text, unsigned most) {
    unsigned number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size() || number > most) {
        return std::nullopt;
    }
    return number;
}

/// Four decimal numbers with dots between them.
std::optional<std::uint32_t> parse_ipv4(std::string_view text) {
    std::uint32_t address = 0;
    for (int part = 0; part < 4; ++part) {
        const std::size_t dot = part < 3 ? text.find('.') : text.size();
        if (dot == std::string_view::npos) {
            return std::nullopt;
        }
        const auto number = parse_number(text.substr(0, dot), 255);
        if (!number) {
            return std::nullopt;
        }
        address = address << 8U | *number;
        text.remove_prefix(std::min(dot + 1, text.size()));
    }
    return address;
}

struct Network {
    std::uint32_t address;
    unsigned bits;

    bool holds(std::uint32_t other) const {
        return bits == 0 || (address ^ other) >> (32 - bits) == 0;
    }
};

std::optional<Network> parse_network(std::string_view text) {
    const std::size_t slash = text.find('/');
    const auto address = parse_ipv4(text.substr(0, slash));
    const auto bits = parse_number(text.substr(slash + 1), 32);
    return address && bits ? std::optional(Network{*address, *bits}) : std::nullopt;
}

/// Takes ":8080" off a name or an IPv4 address. An IPv6 address has more than one colon.
std::optional<unsigned> take_port(std::string_view& entry) {
    const std::size_t colon = entry.find(':');
    if (colon == std::string_view::npos || entry.find(':', colon + 1) != std::string_view::npos) {
        return std::nullopt;
    }
    const auto port = parse_number(entry.substr(colon + 1), 65'535);
    if (port) {
        entry = entry.substr(0, colon);
    }
    return port;
}

bool stands_for(std::string_view entry, std::string_view host, int port) {
    if (entry == "*") {
        return true;
    }
    if (entry.find('/') != std::string_view::npos) {
        const auto network = parse_network(entry);
        const auto address = parse_ipv4(host);
        return network && address && network->holds(*address);
    }
    if (const auto only = take_port(entry); only && *only != static_cast<unsigned>(port)) {
        return false;
    }
    if (entry.starts_with("*.")) {
        entry.remove_prefix(1);
    }
    if (entry.starts_with('.')) {
        entry.remove_prefix(1);
    }
    if (entry.empty() || entry == host) {
        return !entry.empty();
    }
    return !parse_ipv4(host) && host.size() > entry.size() && host.ends_with(entry) &&
           host[host.size() - entry.size() - 1] == '.';
}

std::string_view without_last_dot(std::string_view name) {
    return name.ends_with('.') ? name.substr(0, name.size() - 1) : name;
}

}  // namespace

bool is_excepted(const std::vector<std::string>& exceptions, std::string_view host, int port) {
    const std::string name = lower(without_last_dot(host));
    return std::ranges::any_of(exceptions, [&](const std::string& entry) {
        const std::string small = lower(without_last_dot(entry));
        return stands_for(small, name, port);
    });
}

bool is_exception(std::string_view entry) {
    return !entry.empty() && (entry.find('/') == std::string_view::npos || parse_network(entry));
}

bool is_near(std::string_view host) {
    const std::string name = lower(without_last_dot(host));
    if (const auto address = parse_ipv4(name)) {
        return name == kPlatform || *address >> 24U == 127U || *address >> 16U == 0xA9FEU;
    }
    // The first ten bits of fe80::/10 are the same in fe80 to febf.
    const bool link_local = name.size() > 4 && name.find(':') == 4 && name.starts_with("fe") &&
                            std::string_view("89ab").find(name[2]) != std::string_view::npos;
    return name == "::1" || name == "localhost" || name.ends_with(".localhost") || link_local;
}

}  // namespace stillpoint
