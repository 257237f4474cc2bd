// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/ca_bundle.h"

#include <array>
#include <cstdlib>

#include <sys/stat.h>
#include <unistd.h>

namespace stillpoint::linux_os {
namespace {

// The five places of Go's crypto/x509/root_linux.go, in its order, each with those who document it.
constexpr std::array kBundles{
    "/etc/ssl/certs/ca-certificates.crt",  // Debian, Ubuntu: update-ca-certificates(8)
    "/etc/pki/tls/certs/ca-bundle.crt",    // Red Hat and kin, Azure Linux
    "/etc/ssl/ca-bundle.pem",              // SUSE: package ca-certificates
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  // Red Hat 7 and newer: update-ca-trust(8)
    "/etc/ssl/cert.pem",                                  // Alpine
};

bool is_filled_file(const std::string& path) {
    struct stat found {};
    return ::stat(path.c_str(), &found) == 0 && S_ISREG(found.st_mode) && found.st_size > 0 &&
           ::access(path.c_str(), R_OK) == 0;
}

}  // namespace

std::string find_ca_bundle(const char* ssl_cert_file, const std::string& root) {
    if (ssl_cert_file != nullptr && *ssl_cert_file != '\0') {
        return ssl_cert_file;
    }
    for (const char* place : kBundles) {
        std::string path = root + place;
        if (is_filled_file(path)) {
            return path;
        }
    }
    return {};
}

std::string find_ca_bundle() {
    return find_ca_bundle(std::getenv("SSL_CERT_FILE"), "");
}

}  // namespace stillpoint::linux_os
