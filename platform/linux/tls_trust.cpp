// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/tls_trust.h"

#include <array>

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <unistd.h>

namespace stillpoint::linux_os {

std::string find_ca_bundle() {
    constexpr std::array kPlaces = {
        "/etc/ssl/certs/ca-certificates.crt",                 // Debian, Ubuntu, Arch, Flatcar
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  // Fedora, RHEL 7 and later
        "/etc/pki/tls/certs/ca-bundle.crt",                   // older RHEL, Azure Linux
        "/etc/ssl/ca-bundle.pem",                             // SUSE
        "/etc/ssl/cert.pem",                                  // Alpine
    };
    for (const char* place : kPlaces) {
        if (::access(place, R_OK) == 0) {
            return place;
        }
    }
    return {};
}

Result<TlsTrust> load_tls_trust(const std::string& bundle) {
    TlsTrust trust(X509_STORE_new(), X509_STORE_free);
    if (bundle.empty() || !trust || X509_STORE_load_file(trust.get(), bundle.c_str()) != 1) {
        ERR_clear_error();
        return fail(Code::file_unreadable,
                    bundle.empty() ? std::string("no bundle of root certificates was found")
                                   : "cannot read root certificates from '" + bundle + "'");
    }
    return trust;
}

}  // namespace stillpoint::linux_os
