#pragma once

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>
#include <stdexcept>
#include <string>

#include "lib/http/server.hpp"

namespace portcullis::http::testing {

/// A certificate authority that lives as long as a test and issues whatever the test needs, IP
/// addresses included. Throws where OpenSSL fails: the test is then wrong, not the code.
class TestAuthority {
 public:
  explicit TestAuthority(const std::string& name = "Test CA") : key_(new_key()) {
    certificate_ = make(name, key_.get(), 1, "CA:TRUE", "");
  }

  std::string pem() const { return to_pem(certificate_.get()); }

  /// `names` as in OpenSSL's configuration: "DNS:api.test,IP:127.0.0.1".
  ServerCertificate issue(const std::string& names, long serial = 2) const {
    const auto key = new_key();
    const auto certificate = make("leaf", key.get(), serial, "CA:FALSE", names);
    return {to_pem(certificate.get()), to_pem(key.get())};
  }

 private:
  template <auto kFree>
  struct Free {
    template <typename T>
    void operator()(T* object) const {
      kFree(object);
    }
  };
  using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
  using Certificate = std::unique_ptr<X509, Free<X509_free>>;
  using Extension = std::unique_ptr<X509_EXTENSION, Free<X509_EXTENSION_free>>;
  using Bio = std::unique_ptr<BIO, Free<BIO_free>>;

  static void require(bool done) {
    if (!done) throw std::runtime_error("OpenSSL could not make a test certificate");
  }

  static Key new_key() {
    Key key(EVP_EC_gen("P-256"));
    require(key != nullptr);
    return key;
  }

  Certificate make(const std::string& name, EVP_PKEY* key, long serial, const char* constraint,
                   const std::string& names) const {
    Certificate made(X509_new());
    X509_set_version(made.get(), X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made.get()), serial);
    X509_gmtime_adj(X509_getm_notBefore(made.get()), -300);
    X509_gmtime_adj(X509_getm_notAfter(made.get()), 3'600);
    X509_set_pubkey(made.get(), key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(made.get()), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    const X509* const issuer = certificate_ ? certificate_.get() : made.get();
    X509_set_issuer_name(made.get(), X509_get_subject_name(issuer));
    extend(made.get(), NID_basic_constraints, constraint);
    if (!names.empty()) extend(made.get(), NID_subject_alt_name, names);
    require(X509_sign(made.get(), key_.get(), EVP_sha256()) > 0);
    return made;
  }

  static void extend(X509* certificate, int nid, const std::string& value) {
    const Extension extension(X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str()));
    require(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1);
  }

  static std::string text_of(const Bio& bio) {
    char* data = nullptr;
    const auto size = BIO_get_mem_data(bio.get(), &data);
    return {data, static_cast<std::size_t>(size)};
  }
  static std::string to_pem(X509* certificate) {
    const Bio bio(BIO_new(BIO_s_mem()));
    require(PEM_write_bio_X509(bio.get(), certificate) == 1);
    return text_of(bio);
  }
  static std::string to_pem(EVP_PKEY* key) {
    const Bio bio(BIO_new(BIO_s_mem()));
    require(PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
    return text_of(bio);
  }

  Key key_;
  Certificate certificate_;
};

}  // namespace portcullis::http::testing
