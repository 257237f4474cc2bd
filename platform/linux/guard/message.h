// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What the worker and its helpers say to each other, one byte a message; everything else stands in
/// the ledger.
namespace stillpoint::linux_os::message {

constexpr char ready = 'R';     // guard, watcher: the mounts are opened (or refused)
constexpr char watch = 'W';     // worker to watcher: the guard is there
constexpr char hold = 'H';      // worker: sync, rehearse, freeze
constexpr char held = 'Y';      // guard: it is held
constexpr char not_held = 'N';  // guard: it is not, and nothing of it is any more
constexpr char release = 'G';   // worker: let go
constexpr char released = 'D';  // guard: let go, or stuck in it

}  // namespace stillpoint::linux_os::message
