// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include <openssl/ssl.h>

namespace stillpoint::testing {

/// A certificate authority that lives in this process, with its certificate in a temporary file.
class TestCa {
public:
    TestCa();
    ~TestCa();
    TestCa(const TestCa&) = delete;
    TestCa& operator=(const TestCa&) = delete;

    /// The authority's certificate in PEM, for whoever is to trust it.
    const std::string& bundle() const { return bundle_; }

    /// A server's context with a fresh certificate. `names` as OpenSSL writes them:
    /// "DNS:blob.test,IP:127.0.0.1".
    std::shared_ptr<SSL_CTX> server_context(const std::string& names) const;

private:
    std::shared_ptr<EVP_PKEY> key_;
    std::shared_ptr<X509> certificate_;
    std::string bundle_;
};

}  // namespace stillpoint::testing
