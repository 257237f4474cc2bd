// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace stillpoint::linux_os {

/// systemd is the system's init, and we are in its mount namespace, so that a unit sees the same
/// mounts. Source: sd_booted(3); mount namespaces are compared by their identity in /proc.
bool systemd_runs();

/// A transient service. It is started through a shell: SELinux forbids init to execute what lies in
/// the VM agent's folder (type var_lib_t), but lets it execute a shell that does.
struct TransientService {
    std::string unit;                     // without ".service"
    std::vector<std::string> properties;  // "KillMode=mixed"
    std::vector<std::string> command;
    std::vector<std::string> after_stop;  // ExecStopPost; empty: none
    /// "NAME=value", beside what systemd sets: it inherits nothing from us. Everybody on the
    /// machine can read it.
    std::vector<std::string> environment = {};
};

/// The words that start it with systemd-run.
std::vector<std::string> systemd_run_words(const TransientService& service);

/// Our own environment for a service: without what systemd sets for each service itself, and
/// without what it would refuse.
std::vector<std::string> passed_environment();

/// Without the variables that name a proxy with a login: everybody can read a unit's environment.
std::vector<std::string> without_proxy_logins(std::vector<std::string> environment);

/// Errors: guard_unavailable: the unit did not start before `until`, or a word of the command holds
/// a character other than letters, digits and those usual in paths.
Result<void> start_service(const TransientService& service, Instant until);

}  // namespace stillpoint::linux_os
