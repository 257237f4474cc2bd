// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace stillpoint {

/// Whether one of `exceptions` stands for this host. Each is `*`, a name that stands for itself and
/// all names below it (".example", "*.example" and "example" mean the same), an address, or a
/// network like 10.0.0.0/8; a name or an IPv4 address may have a port behind it and then stands for
/// that port alone. Names are compared without case, addresses as text: nothing is resolved.
/// Source: the variable no_proxy has no standard; this is what curl and Python's urllib agree on,
/// and the networks that both Go and curl know.
bool is_excepted(const std::vector<std::string>& exceptions, std::string_view host, int port);

/// Whether an entry can stand for anything: networks are the only ones that can be miswritten.
bool is_exception(std::string_view entry);

/// A host that no proxy could reach in our place: loopback, link-local addresses (169.254.0.0/16:
/// RFC 3927; fe80::/10: RFC 4291), and 168.63.129.16, the address of the platform's host service.
/// Source: Microsoft, "What is IP address 168.63.129.16?"
bool is_near(std::string_view host);

}  // namespace stillpoint
