// SPDX-License-Identifier: Apache-2.0
#include "agent/process.h"

#include <cstddef>
#include <initializer_list>

#include <nss.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

namespace stillpoint {
namespace {

// Sanitizers put red zones around every local variable, so the build gives them more.
constexpr std::size_t kThreadStackBytes = std::size_t{SP_THREAD_STACK_KIB} * 1024;

// One database left out would be enough to load a module: a service name given to getaddrinfo asks
// "services", which in Debian's nsswitch.conf begins with the module libnss_db.
void pin_name_service() {
    for (const char* database : {"hosts", "networks"}) {
        (void)__nss_configure_lookup(database, "files dns");
    }
    for (const char* database : {"aliases", "ethers", "group", "gshadow", "initgroups", "netgroup",
                                 "passwd", "protocols", "publickey", "rpc", "services", "shadow"}) {
        (void)__nss_configure_lookup(database, "files");
    }
}

void use_small_thread_stacks() {
    pthread_attr_t attributes{};
    (void)pthread_attr_init(&attributes);
    (void)pthread_attr_setstacksize(&attributes, kThreadStackBytes);
    (void)pthread_setattr_default_np(&attributes);
    (void)pthread_attr_destroy(&attributes);
}

void leave_no_core_dump() {
    const rlimit none{};
    (void)::setrlimit(RLIMIT_CORE, &none);
    (void)::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

}  // namespace

// Results are not looked at: with these arguments the calls can only fail for want of memory, and a
// backup without the extra protection is better than none. process_test.cpp sees that each took
// effect.
void prepare_process() {
    leave_no_core_dump();
    pin_name_service();
    (void)OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr);
    use_small_thread_stacks();
    (void)::umask(S_IRWXG | S_IRWXO);
}

}  // namespace stillpoint
