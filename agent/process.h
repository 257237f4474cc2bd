// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace stillpoint {

/// What main does before anything else, while there is one thread and no secret in memory yet.
///
/// * Pins every name service database to what is compiled in. The executable is static; a module
///   named in the guest's nsswitch.conf would bring the guest's libc along as a second one, which
///   ends in a crash. Price: users and hosts known only to LDAP, mDNS or the like stay unknown.
///   Source: glibc manual, "Name Service Switch"; glibc FAQ on static linking and NSS.
/// * Keeps OpenSSL from reading the guest's openssl.cnf, which may name providers and engines,
/// shared
///   objects again. Source: OPENSSL_init_crypto(3), OPENSSL_INIT_NO_LOAD_CONFIG.
/// * Gives threads small stacks. The guard and the worker lock their memory, and mlockall(2) with
///   MCL_FUTURE makes each whole stack resident: eight megabytes by glibc's default.
/// * Leaves no core dump: blob addresses with their signatures and the decrypted settings live
/// here.
///   RLIMIT_CORE does not hold where core_pattern is a pipe, PR_SET_DUMPABLE does; it also
///   hides /proc/PID/mem from everybody but root. Sources: core(5), prctl(2).
/// * Makes new files readable for their owner only: umask(2) 077.
///
/// A program started from here inherits the limit and the umask, but not the rest; whoever starts
/// somebody else's scripts gives them a usual umask back.
void prepare_process();

}  // namespace stillpoint
