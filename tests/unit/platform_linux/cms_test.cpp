// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/base64.h"
#include "platform/linux/cms_protector.h"
#include "tests/fakes/temporary_folder.h"

namespace stillpoint::linux_os {
namespace {

using stillpoint::testing::TemporaryFolder;

const std::string kThumbprint = "0123456789ABCDEF0123456789ABCDEF01234567";
const std::string kPlain = R"({"statusBlobUri": "https://a/b?sig=SECRET"})";

std::string content_of(BIO* bio) {
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(bio, &bytes);
    return std::string(bytes, static_cast<std::size_t>(size));
}

/// A key and its self-signed certificate, as the VM agent keeps them.
class Recipient {
public:
    explicit Recipient(long serial) : key_(EVP_RSA_gen(2048)), certificate_(X509_new()) {
        ASN1_INTEGER_set(X509_get_serialNumber(certificate_.get()), serial);
        X509_gmtime_adj(X509_getm_notBefore(certificate_.get()), 0);
        X509_gmtime_adj(X509_getm_notAfter(certificate_.get()), 3600);
        X509_set_pubkey(certificate_.get(), key_.get());
        const auto* name = reinterpret_cast<const unsigned char*>("TenantEncryptionCert");
        X509_NAME* subject = X509_get_subject_name(certificate_.get());
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, name, -1, -1, 0);
        X509_set_issuer_name(certificate_.get(), subject);
        X509_sign(certificate_.get(), key_.get(), EVP_sha256());
    }
    X509* certificate() const { return certificate_.get(); }
    std::string certificate_pem() const {
        const Bio bio(BIO_new(BIO_s_mem()), &BIO_free_all);
        PEM_write_bio_X509(bio.get(), certificate_.get());
        return content_of(bio.get());
    }
    std::string key_pem() const {
        const Bio bio(BIO_new(BIO_s_mem()), &BIO_free_all);
        PEM_write_bio_PrivateKey(bio.get(), key_.get(), nullptr, nullptr, 0, nullptr, nullptr);
        // The VM agent converts a PFX, which leaves such a heading.
        return "Bag Attributes\n    friendlyName: TenantEncryptionCert\n" + content_of(bio.get());
    }

private:
    using Bio = std::unique_ptr<BIO, void (*)(BIO*)>;
    struct Free {
        void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
        void operator()(X509* certificate) const { X509_free(certificate); }
    };
    std::unique_ptr<EVP_PKEY, Free> key_;
    std::unique_ptr<X509, Free> certificate_;
};

/// Making a key takes a while; two are enough for all tests.
const Recipient& us() {
    static const Recipient recipient(1);
    return recipient;
}
const Recipient& others() {
    static const Recipient recipient(2);
    return recipient;
}

std::string base64(const std::string& bytes, bool wrapped) {
    std::string out(4 * (bytes.size() / 3 + 1) + 1, '\0');
    const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                     reinterpret_cast<const unsigned char*>(bytes.data()),
                                     static_cast<int>(bytes.size()));
    out.resize(static_cast<std::size_t>(size));
    for (std::size_t i = 64; wrapped && i < out.size(); i += 66) {
        out.insert(i, "\r\n");
    }
    return out;
}

std::string seal(const EVP_CIPHER* cipher, const std::vector<const Recipient*>& recipients,
                 const std::string& plain = kPlain, bool wrapped = false) {
    STACK_OF(X509)* certificates = sk_X509_new_null();
    for (const Recipient* recipient : recipients) {
        sk_X509_push(certificates, recipient->certificate());
    }
    BIO* in = BIO_new_mem_buf(plain.data(), static_cast<int>(plain.size()));
    CMS_ContentInfo* message = CMS_encrypt(certificates, in, cipher, CMS_BINARY);
    BIO* out = BIO_new(BIO_s_mem());
    EXPECT_EQ(i2d_CMS_bio(out, message), 1);
    const std::string der = content_of(out);
    BIO_free_all(out);
    CMS_ContentInfo_free(message);
    BIO_free_all(in);
    sk_X509_free(certificates);
    return base64(der, wrapped);
}

class CmsTest : public ::testing::Test {
protected:
    void SetUp() override {
        folder_.write(kThumbprint + ".crt", us().certificate_pem());
        folder_.write(kThumbprint + ".prv", us().key_pem());
    }
    std::string open(std::string_view sealed, std::string_view thumbprint = kThumbprint) const {
        const auto opened = CmsProtector(folder_.path().string()).unprotect(sealed, thumbprint);
        EXPECT_EQ(ERR_peek_error(), 0U) << "an OpenSSL error was left in its queue";
        if (!opened) {
            EXPECT_EQ(opened.error().code(), Code::settings_undecryptable);
            return opened.error().sentence();
        }
        return std::string(opened->reveal());
    }
    TemporaryFolder folder_;
};

TEST_F(CmsTest, OpensEveryCipherThePlatformHasUsed) {
    for (const EVP_CIPHER* cipher :
         {EVP_aes_256_cbc(), EVP_aes_192_cbc(), EVP_aes_128_cbc(), EVP_des_ede3_cbc()}) {
        EXPECT_EQ(open(seal(cipher, {&us()})), kPlain) << EVP_CIPHER_get0_name(cipher);
    }
}

TEST_F(CmsTest, OpensWrappedBase64AndOneOfSeveralRecipients) {
    EXPECT_EQ(open(seal(EVP_aes_256_cbc(), {&others(), &us()}, kPlain, true)), kPlain);
}

TEST_F(CmsTest, OpensLongSettings) {
    const std::string plain(300'000, 'x');
    EXPECT_EQ(open(seal(EVP_aes_256_cbc(), {&us()}, plain)), plain);
}

TEST_F(CmsTest, SaysThatTheyWereSealedForSomebodyElse) {
    EXPECT_THAT(open(seal(EVP_aes_256_cbc(), {&others()})),
                ::testing::StartsWith("the protected settings do not open with '" + kThumbprint +
                                      ".prv'; they were sealed for another certificate"));
}

TEST_F(CmsTest, NoticesADamagedKey) {
    std::string der = *decode_base64(seal(EVP_aes_256_cbc(), {&us()}));
    // The encrypted key is the long run before the content's algorithm; its middle is spoilt.
    der[der.size() / 2] = static_cast<char>(der[der.size() / 2] ^ 0x55);
    EXPECT_NE(open(base64(der, false)), kPlain);
}

TEST_F(CmsTest, NamesTheMissingFile) {
    boost::filesystem::remove(folder_.file(kThumbprint + ".prv"));
    EXPECT_EQ(open(seal(EVP_aes_256_cbc(), {&us()})),
              "the protected settings need '" + kThumbprint + ".prv': cannot open '" +
                  folder_.file(kThumbprint + ".prv") + "': No such file or directory");
}

TEST_F(CmsTest, NamesTheBrokenFile) {
    folder_.write(kThumbprint + ".crt", "-----BEGIN CERTIFICATE-----\nno\n");
    EXPECT_THAT(open(seal(EVP_aes_256_cbc(), {&us()})),
                ::testing::StartsWith("'" + kThumbprint + ".crt' holds no certificate"));
    SetUp();
    folder_.write(kThumbprint + ".prv", "");
    EXPECT_THAT(open(seal(EVP_aes_256_cbc(), {&us()})),
                ::testing::StartsWith("'" + kThumbprint + ".prv' holds no private key"));
}

TEST_F(CmsTest, ChecksThatKeyAndCertificateBelongTogether) {
    folder_.write(kThumbprint + ".prv", others().key_pem());
    EXPECT_THAT(open(seal(EVP_aes_256_cbc(), {&us()})),
                ::testing::HasSubstr(".prv' does not belong to '"));
}

TEST_F(CmsTest, TellsDamageApart) {
    const std::string sealed = seal(EVP_aes_256_cbc(), {&us()});
    EXPECT_EQ(open("no base64!"), "the protected settings are not base64");
    EXPECT_EQ(open(""), "the protected settings are not base64");
    EXPECT_THAT(open(sealed.substr(0, sealed.size() / 8 * 4)),
                ::testing::StartsWith("the protected settings are not a whole CMS message"));
    BIO* in = BIO_new_mem_buf(kPlain.data(), static_cast<int>(kPlain.size()));
    CMS_ContentInfo* data = CMS_data_create(in, CMS_BINARY);
    BIO* out = BIO_new(BIO_s_mem());
    i2d_CMS_bio(out, data);
    EXPECT_EQ(open(base64(content_of(out), false)),
              "the protected settings are a CMS message, but not an enveloped one");
    BIO_free_all(out);
    CMS_ContentInfo_free(data);
    BIO_free_all(in);
}

TEST_F(CmsTest, AcceptsNothingButAThumbprintAsFileName) {
    const std::string sealed = seal(EVP_aes_256_cbc(), {&us()});
    for (const std::string& thumbprint :
         {std::string(), kThumbprint.substr(1), kThumbprint + "0", "../" + kThumbprint.substr(3),
          std::string(39, 'A') + "G"}) {
        EXPECT_EQ(open(sealed, thumbprint),
                  "the thumbprint of the protected settings is not 40 hexadecimal digits");
    }
}

}  // namespace
}  // namespace stillpoint::linux_os
