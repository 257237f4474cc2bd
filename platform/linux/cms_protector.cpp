// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/cms_protector.h"

#include <algorithm>
#include <cctype>
#include <memory>
#include <optional>

#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/base64.h"
#include "base/format.h"
#include "base/scope_exit.h"
#include "platform/linux/directory_store.h"

namespace stillpoint::linux_os {
namespace {

constexpr std::size_t kKeyFileLimitBytes = 64 * 1024;
constexpr std::size_t kPlainLimitBytes = 4 << 20;

template <auto Free>
struct Deleter {
    template <class Pointee>
    void operator()(Pointee* pointee) const noexcept {
        Free(pointee);
    }
};
using UniqueBio = std::unique_ptr<BIO, Deleter<BIO_free_all>>;
using UniqueCertificate = std::unique_ptr<X509, Deleter<X509_free>>;
using UniqueKey = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using UniqueMessage = std::unique_ptr<CMS_ContentInfo, Deleter<CMS_ContentInfo_free>>;

/// The message, and OpenSSL's reason for it; empties OpenSSL's queue of errors.
Error undecryptable(std::string message) {
    const unsigned long last = ERR_peek_last_error();
    const char* reason = last == 0 ? nullptr : ERR_reason_error_string(last);
    ERR_clear_error();
    if (reason != nullptr) {
        message += fmt::format(" ({})", reason);
    }
    return fail(Code::settings_undecryptable, std::move(message));
}

UniqueBio reader_of(std::string_view bytes) {
    return UniqueBio(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
}

bool is_thumbprint(std::string_view text) {
    return text.size() == 40 &&
           std::ranges::all_of(text, [](unsigned char c) { return std::isxdigit(c) != 0; });
}

Result<std::string> read_file(const DirectoryStore& folder, const std::string& name) {
    Result<std::string> text = folder.read(name, kKeyFileLimitBytes);
    if (!text) {
        return fail(Code::settings_undecryptable,
                    fmt::format("the protected settings need '{}'", name))
            .caused_by(text.error());
    }
    return text;
}

/// No key here has a passphrase; without this OpenSSL would ask the terminal for one.
int refuse_passphrase(char*, int, int, void*) {
    return -1;
}

Result<UniqueCertificate> read_certificate(const DirectoryStore& folder, const std::string& name) {
    const auto text = read_file(folder, name);
    if (!text) {
        return text.error();
    }
    UniqueCertificate certificate(
        PEM_read_bio_X509(reader_of(*text).get(), nullptr, refuse_passphrase, nullptr));
    if (!certificate) {
        return undecryptable(fmt::format("'{}' holds no certificate", name));
    }
    return certificate;
}

Result<UniqueKey> read_key(const DirectoryStore& folder, const std::string& name) {
    auto text = read_file(folder, name);
    if (!text) {
        return text.error();
    }
    UniqueKey key(
        PEM_read_bio_PrivateKey(reader_of(*text).get(), nullptr, refuse_passphrase, nullptr));
    wipe(*text);
    if (!key) {
        return undecryptable(fmt::format("'{}' holds no private key", name));
    }
    return key;
}

Result<UniqueMessage> parse_message(std::string_view sealed) {
    const std::optional<std::string> der = decode_base64(sealed);
    if (!der || der->empty()) {
        return fail(Code::settings_undecryptable, "the protected settings are not base64");
    }
    const auto* bytes = reinterpret_cast<const unsigned char*>(der->data());
    UniqueMessage message(d2i_CMS_ContentInfo(nullptr, &bytes, static_cast<long>(der->size())));
    if (!message) {
        return undecryptable("the protected settings are not a whole CMS message");
    }
    if (OBJ_obj2nid(CMS_get0_type(message.get())) != NID_pkcs7_enveloped) {
        return undecryptable("the protected settings are a CMS message, but not an enveloped one");
    }
    return message;
}

Result<Secret> take_plain(BIO* plain) {
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(plain, &bytes);
    const ScopeExit cleanse([&] {
        if (size > 0) {
            OPENSSL_cleanse(bytes, static_cast<std::size_t>(size));
        }
    });
    if (size <= 0 || static_cast<std::size_t>(size) > kPlainLimitBytes) {
        return fail(Code::settings_undecryptable, size <= 0
                                                      ? "the protected settings opened to nothing"
                                                      : "the protected settings are too large");
    }
    return Secret(std::string(bytes, static_cast<std::size_t>(size)));
}

/// The key that belongs to a certificate, with it.
struct Recipient {
    UniqueCertificate certificate;
    UniqueKey key;
};

Result<Recipient> read_recipient(const std::string& certificates, std::string_view thumbprint) {
    const auto folder = DirectoryStore::open(certificates);
    if (!folder) {
        return fail(Code::settings_undecryptable, "the VM agent's certificates are out of reach")
            .caused_by(folder.error());
    }
    const std::string certificate_name = fmt::format("{}.crt", thumbprint);
    const std::string key_name = fmt::format("{}.prv", thumbprint);
    auto certificate = read_certificate(*folder, certificate_name);
    if (!certificate) {
        return certificate.error();
    }
    auto key = read_key(*folder, key_name);
    if (!key) {
        return key.error();
    }
    if (X509_check_private_key(certificate->get(), key->get()) != 1) {
        return undecryptable(
            fmt::format("'{}' does not belong to '{}'", key_name, certificate_name));
    }
    return Recipient{*std::move(certificate), *std::move(key)};
}

}  // namespace

Result<Secret> CmsProtector::unprotect(std::string_view sealed, std::string_view thumbprint) const {
    if (!is_thumbprint(thumbprint)) {
        return fail(Code::settings_undecryptable,
                    "the thumbprint of the protected settings is not 40 hexadecimal digits");
    }
    if (sealed.size() > 2 * kPlainLimitBytes) {
        return fail(Code::settings_undecryptable, "the protected settings are too large");
    }
    ERR_clear_error();
    const Result<UniqueMessage> message = parse_message(sealed);
    if (!message) {
        return message.error();
    }
    const auto recipient = read_recipient(certificates_, thumbprint);
    if (!recipient) {
        return recipient.error();
    }
    const UniqueBio plain(BIO_new(BIO_s_mem()));
    // The certificate is handed over too: without it OpenSSL would answer a wrong key with random
    // bytes. Source: CMS_decrypt(3), NOTES.
    if (CMS_decrypt(message->get(), recipient->key.get(), recipient->certificate.get(), nullptr,
                    plain.get(), 0) != 1) {
        (void)take_plain(plain.get());  // what was decrypted so far is wiped
        return undecryptable(fmt::format(
            "the protected settings do not open with '{}.prv'; they were sealed for another "
            "certificate or are damaged",
            thumbprint));
    }
    return take_plain(plain.get());
}

}  // namespace stillpoint::linux_os
