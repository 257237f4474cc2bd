// SPDX-License-Identifier: Apache-2.0
#include "tests/support/test_ca.h"

#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <vector>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

namespace stillpoint::testing {
namespace {

void require(bool good, const char* what) {
    if (!good) {
        throw std::runtime_error(what);
    }
}

std::shared_ptr<EVP_PKEY> make_key() {
    std::shared_ptr<EVP_PKEY> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
    require(key != nullptr, "no key");
    return key;
}

void add_extension(X509* certificate, X509* issuer, int id, const std::string& text) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, id, text.c_str());
    require(extension != nullptr, "bad extension");
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

std::shared_ptr<X509> make_certificate(EVP_PKEY* key, const std::string& name, long serial) {
    std::shared_ptr<X509> certificate(X509_new(), X509_free);
    X509_set_version(certificate.get(), X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 24 * 3600);
    X509_set_pubkey(certificate.get(), key);
    const std::vector<unsigned char> bytes(name.begin(), name.end());
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_ASC,
                               bytes.data(), static_cast<int>(bytes.size()), -1, 0);
    return certificate;
}

}  // namespace

TestCa::TestCa() : key_(make_key()), certificate_(make_certificate(key_.get(), "Test CA", 1)) {
    X509* certificate = certificate_.get();
    X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
    add_extension(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(certificate, certificate, NID_key_usage, "critical,keyCertSign");
    require(X509_sign(certificate, key_.get(), EVP_sha256()) > 0, "cannot sign");

    const char* folder = std::getenv("TMPDIR");
    bundle_ = std::string(folder != nullptr ? folder : "/tmp") + "/stillpoint-test-ca-XXXXXX";
    const int fd = ::mkstemp(bundle_.data());
    require(fd >= 0, "no temporary file");
    std::FILE* file = ::fdopen(fd, "w");
    require(file != nullptr && PEM_write_X509(file, certificate) == 1, "cannot write the bundle");
    std::fclose(file);
}

TestCa::~TestCa() {
    ::unlink(bundle_.c_str());
}

std::shared_ptr<SSL_CTX> TestCa::server_context(const std::string& names) const {
    const std::shared_ptr<EVP_PKEY> key = make_key();
    const std::shared_ptr<X509> certificate = make_certificate(key.get(), "a test server", 2);
    X509_set_issuer_name(certificate.get(), X509_get_subject_name(certificate_.get()));
    add_extension(certificate.get(), certificate_.get(), NID_subject_alt_name, names);
    require(X509_sign(certificate.get(), key_.get(), EVP_sha256()) > 0, "cannot sign");

    std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
    require(SSL_CTX_use_certificate(context.get(), certificate.get()) == 1 &&
                SSL_CTX_use_PrivateKey(context.get(), key.get()) == 1,
            "the context refuses the certificate");
    return context;
}

}  // namespace stillpoint::testing
