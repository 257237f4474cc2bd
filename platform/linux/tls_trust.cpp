// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/tls_trust.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>

namespace stillpoint::linux_os {

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
