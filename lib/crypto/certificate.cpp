#include "lib/crypto/certificate.hpp"

#include <openssl/ec.h>
#include <openssl/pem.h>

#include <algorithm>
#include <ctime>
#include <utility>

#include "lib/codec/encoding.hpp"
#include "lib/crypto/digest.hpp"
#include "lib/crypto/openssl.hpp"

namespace portcullis::crypto {
namespace {

using OwnedNames = Owned<GENERAL_NAMES, GENERAL_NAMES_free>;

constexpr std::chrono::minutes kClockSkew{5};
constexpr std::size_t kSerialBytes = 16;
constexpr std::size_t kMaxCommonNameBytes = 64;  // RFC 5280 ub-common-name
constexpr std::size_t kMaxDnsNameBytes = 253;
constexpr long kVersion3 = 2;

Error invalid(std::string message) { return {ErrorCode::kInvalidArgument, std::move(message)}; }
Error internal(std::string_view what) {
  return {ErrorCode::kInternal, std::string(what) + ": " + openssl_reason()};
}

std::string text_of(const ASN1_STRING* value) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
          static_cast<std::size_t>(ASN1_STRING_length(value))};
}

// X.509 dates reach to the year 9999; Time, in nanoseconds, only to 2262.
Result<Time> time_of(const ASN1_TIME* value) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(value, &parts) != 1) return invalid("the certificate has a malformed date");
  const auto seconds = std::chrono::seconds(timegm(&parts));
  const auto last = std::chrono::floor<std::chrono::seconds>(Time::max().time_since_epoch());
  const auto first = std::chrono::ceil<std::chrono::seconds>(Time::min().time_since_epoch());
  return Time(std::clamp(seconds, first, last));
}

Result<std::vector<OwnedCertificate>> parse_certificates(std::string_view pem) {
  std::vector<OwnedCertificate> certificates;
  const auto blocks = TRY(codec::parse_pem(pem));
  for (const auto& block : blocks) {
    if (block.label != "CERTIFICATE") continue;
    const unsigned char* position = octets(block.der);
    OwnedCertificate certificate(d2i_X509(nullptr, &position, static_cast<long>(block.der.size())));
    if (!certificate || position != octets(block.der) + block.der.size()) {
      return invalid("a certificate does not decode: " + openssl_reason());
    }
    certificates.push_back(std::move(certificate));
  }
  if (certificates.empty()) return invalid("the PEM text holds no certificate");
  return certificates;
}

Result<OwnedKey> parse_private_key(std::string_view pem) {
  const auto blocks = TRY(codec::parse_pem(pem));
  for (const auto& block : blocks) {
    if (!block.label.ends_with("PRIVATE KEY")) continue;
    const unsigned char* position = octets(block.der);
    OwnedKey key(d2i_AutoPrivateKey(nullptr, &position, static_cast<long>(block.der.size())));
    if (!key)
      return invalid("the private key does not decode; it must be PEM without a passphrase");
    return key;
  }
  return invalid("the PEM text holds no private key");
}

Result<std::string> certificate_pem(X509* certificate) {
  const OwnedBio bio(BIO_new(BIO_s_mem()));
  if (!bio || PEM_write_bio_X509(bio.get(), certificate) != 1) return internal("writing PEM");
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return std::string(data, static_cast<std::size_t>(size));
}

Result<std::string> private_key_pem(EVP_PKEY* key) {
  const OwnedBio bio(BIO_new(BIO_s_secmem()));
  if (!bio ||
      PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return internal("writing PEM");
  }
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return std::string(data, static_cast<std::size_t>(size));
}

// Letters, digits, hyphens and dots; these names go into OpenSSL's extension language, where a
// comma or a colon would say something else. A wildcard may be the first label only.
Result<void> check_dns_name(std::string_view name) {
  std::string_view rest = name.starts_with("*.") ? name.substr(2) : name;
  const bool plain = std::all_of(rest.begin(), rest.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.';
  });
  const bool shaped = !rest.empty() && rest.front() != '.' && rest.back() != '.' &&
                      rest.find("..") == std::string_view::npos;
  if (plain && shaped && name.size() <= kMaxDnsNameBytes) return {};
  return invalid("\"" + std::string(name.substr(0, kMaxDnsNameBytes)) + "\" is not a DNS name");
}

Result<void> set_serial(X509* certificate) {
  std::string serial = random_bytes(kSerialBytes);
  // Never zero, and always of the same length when written as a positive integer.
  serial[0] = static_cast<char>((static_cast<unsigned char>(serial[0]) & 0x7FU) | 0x40U);
  const Owned<BIGNUM, BN_free> number(
      BN_bin2bn(octets(serial), static_cast<int>(serial.size()), nullptr));
  if (!number || BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) == nullptr) {
    return internal("setting the serial number");
  }
  return {};
}

Result<void> add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509V3_set_ctx_nodb(&context);
  const OwnedExtension extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  if (!extension || X509_add_ext(certificate, extension.get(), -1) != 1) {
    return internal("adding a certificate extension");
  }
  return {};
}

// Version, serial, names, dates and key: what a CA and a leaf have in common.
struct Body {
  std::string_view common_name;  ///< May be empty.
  Time not_before, not_after;
};
Result<OwnedCertificate> make_body(const Body& body, X509* issuer, EVP_PKEY* key) {
  OwnedCertificate certificate(X509_new());
  if (!certificate || X509_set_version(certificate.get(), kVersion3) != 1) {
    return internal("making a certificate");
  }
  TRY_VOID(set_serial(certificate.get()));
  X509_NAME* subject = X509_get_subject_name(certificate.get());
  if (!body.common_name.empty() &&
      X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8, octets(body.common_name),
                                 static_cast<int>(body.common_name.size()), -1, 0) != 1) {
    return invalid("\"" + std::string(body.common_name) + "\" cannot be a common name");
  }
  const X509_NAME* issuer_name = issuer != nullptr ? X509_get_subject_name(issuer) : subject;
  const auto set = [](ASN1_TIME* field, Time time) {
    return ASN1_TIME_set(field, std::chrono::system_clock::to_time_t(time)) != nullptr;
  };
  if (X509_set_issuer_name(certificate.get(), issuer_name) != 1 ||
      !set(X509_getm_notBefore(certificate.get()), body.not_before) ||
      !set(X509_getm_notAfter(certificate.get()), body.not_after) ||
      X509_set_pubkey(certificate.get(), key) != 1) {
    return internal("filling a certificate");
  }
  return certificate;
}

Result<Credential> sign(X509* certificate, EVP_PKEY* signing_key, EVP_PKEY* own_key) {
  if (X509_sign(certificate, signing_key, sha256_method()) == 0) {
    return internal("signing a certificate");
  }
  Credential credential;
  credential.certificate_pem = TRY(certificate_pem(certificate));
  credential.private_key_pem = TRY(private_key_pem(own_key));
  return credential;
}

Result<OwnedKey> make_key() {
  OwnedKey key(EVP_EC_gen("P-256"));
  if (!key) return internal("making a key");
  return key;
}

std::string common_name_of(const X509* certificate) {
  const X509_NAME* subject = X509_get_subject_name(certificate);
  const int index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (index < 0) return "";
  unsigned char* text = nullptr;
  const int size =
      ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index)));
  if (size < 0) return "";
  std::string name(reinterpret_cast<const char*>(text), static_cast<std::size_t>(size));
  OPENSSL_free(text);
  return name;
}

std::vector<std::string> dns_names_of(const X509* certificate) {
  std::vector<std::string> dns_names;
  const OwnedNames names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_DNS) dns_names.push_back(text_of(name->d.dNSName));
  }
  return dns_names;
}

Result<std::string> der_of(const X509* certificate) {
  unsigned char* encoded = nullptr;
  const int size = i2d_X509(certificate, &encoded);
  if (size <= 0) return invalid("the certificate does not encode: " + openssl_reason());
  std::string der(reinterpret_cast<const char*>(encoded), static_cast<std::size_t>(size));
  OPENSSL_free(encoded);
  return der;
}

struct StackDeleter {
  void operator()(STACK_OF(X509) * stack) const { sk_X509_free(stack); }
};

// Chain, dates, purpose and name in one: the certificates after the leaf may help, but are not
// trusted.
Result<void> verify_chain(const std::vector<OwnedCertificate>& leaf, X509_STORE* store,
                          std::string_view dns_name, Time now) {
  const std::unique_ptr<STACK_OF(X509), StackDeleter> untrusted(sk_X509_new_null());
  const OwnedStoreContext context(X509_STORE_CTX_new());
  if (!untrusted || !context) return internal("checking a certificate");
  for (std::size_t i = 1; i < leaf.size(); ++i) sk_X509_push(untrusted.get(), leaf[i].get());
  if (X509_STORE_CTX_init(context.get(), store, leaf.front().get(), untrusted.get()) != 1) {
    return internal("checking a certificate");
  }
  X509_VERIFY_PARAM* parameters = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_time(parameters, std::chrono::system_clock::to_time_t(now));
  X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_PARTIAL_CHAIN);
  X509_VERIFY_PARAM_set_hostflags(
      parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  if (X509_VERIFY_PARAM_set_purpose(parameters, X509_PURPOSE_SSL_SERVER) != 1 ||
      X509_VERIFY_PARAM_set1_host(parameters, dns_name.data(), dns_name.size()) != 1) {
    return internal("checking a certificate");
  }
  if (X509_verify_cert(context.get()) == 1) return {};
  const int reason = X509_STORE_CTX_get_error(context.get());
  std::string message = "the certificate is not good for " + std::string(dns_name) + ": " +
                        X509_verify_cert_error_string(reason);
  if (reason == X509_V_ERR_HOSTNAME_MISMATCH) {
    message += " (it names";
    for (const auto& name : dns_names_of(leaf.front().get())) message += " " + name;
    message += ")";
  }
  return invalid(std::move(message));
}

}  // namespace

Result<CertificateInfo> parse_certificate(std::string_view pem) {
  const ErrorQueueGuard guard;
  const auto certificates = TRY(parse_certificates(pem));
  X509* certificate = certificates.front().get();
  CertificateInfo info;
  info.subject_common_name = common_name_of(certificate);
  info.dns_names = dns_names_of(certificate);
  info.not_before = TRY(time_of(X509_get0_notBefore(certificate)));
  info.not_after = TRY(time_of(X509_get0_notAfter(certificate)));
  info.is_ca = (X509_get_extension_flags(certificate) & EXFLAG_CA) != 0;
  const std::string der = TRY(der_of(certificate));
  info.fingerprint = codec::encode_hex(sha256(der));
  info.serial = codec::encode_hex(text_of(X509_get0_serialNumber(certificate)));
  return info;
}

Result<Credential> create_certificate_authority(std::string_view common_name,
                                                const std::vector<std::string>& permitted_dns,
                                                Time now, std::chrono::seconds lifetime) {
  const ErrorQueueGuard guard;
  if (common_name.empty()) return invalid("a certificate authority needs a common name");
  if (permitted_dns.empty()) return invalid("a certificate authority needs a name to vouch for");
  // Without the exclusion of all addresses the CA could still vouch for an IP address.
  std::string constraints =
      "critical,excluded;IP:0.0.0.0/0.0.0.0,excluded;IP:0:0:0:0:0:0:0:0/0:0:0:0:0:0:0:0";
  for (const auto& name : permitted_dns) {
    TRY_VOID(check_dns_name(name));
    constraints += ",permitted;DNS:" + name;
  }
  const OwnedKey key = TRY(make_key());
  const Body body{
      .common_name = common_name, .not_before = now - kClockSkew, .not_after = now + lifetime};
  const OwnedCertificate certificate = TRY(make_body(body, nullptr, key.get()));
  const std::pair<int, std::string> extensions[] = {
      {NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
      {NID_key_usage, "critical,keyCertSign,cRLSign"},
      {NID_ext_key_usage, "serverAuth"},
      {NID_name_constraints, constraints},
      {NID_subject_key_identifier, "hash"},
      {NID_authority_key_identifier, "keyid:always"}};
  for (const auto& [nid, value] : extensions) {
    TRY_VOID(add_extension(certificate.get(), certificate.get(), nid, value));
  }
  return sign(certificate.get(), key.get(), key.get());
}

Result<Credential> issue_server_certificate(const Credential& authority,
                                            const std::vector<std::string>& dns_names, Time now,
                                            std::chrono::seconds lifetime) {
  const ErrorQueueGuard guard;
  if (dns_names.empty()) return invalid("a server certificate needs a DNS name");
  if (!key_belongs_to(authority.private_key_pem, authority.certificate_pem)) {
    return invalid("certificate and key of the authority do not belong together");
  }
  const auto authority_chain = TRY(parse_certificates(authority.certificate_pem));
  X509* issuer = authority_chain.front().get();
  const OwnedKey issuer_key = TRY(parse_private_key(authority.private_key_pem));

  std::string alternative_names;
  for (const auto& name : dns_names) {
    TRY_VOID(check_dns_name(name));
    alternative_names += (alternative_names.empty() ? "DNS:" : ",DNS:") + name;
  }
  // RFC 5280 4.2.1.6: the names are critical when the subject is empty.
  const bool named = dns_names.front().size() <= kMaxCommonNameBytes;
  const Time last = TRY(time_of(X509_get0_notAfter(issuer)));
  const Body body{.common_name = named ? std::string_view(dns_names.front()) : std::string_view(),
                  .not_before = now - kClockSkew,
                  .not_after = std::min(now + lifetime, last)};
  const OwnedKey key = TRY(make_key());
  const OwnedCertificate certificate = TRY(make_body(body, issuer, key.get()));
  const std::pair<int, std::string> extensions[] = {
      {NID_basic_constraints, "critical,CA:FALSE"},
      {NID_key_usage, "critical,digitalSignature"},
      {NID_ext_key_usage, "serverAuth"},
      {NID_subject_alt_name, (named ? "" : "critical,") + alternative_names},
      {NID_subject_key_identifier, "hash"},
      {NID_authority_key_identifier, "keyid:always"}};
  for (const auto& [nid, value] : extensions) {
    TRY_VOID(add_extension(certificate.get(), issuer, nid, value));
  }
  auto credential = TRY(sign(certificate.get(), issuer_key.get(), key.get()));
  // Here, not in the first handshake, is where an expired authority or a foreign name must show.
  for (const auto& name : dns_names) {
    const std::string probe = name.starts_with("*.") ? "any" + name.substr(1) : name;
    TRY_VOID(check_server_certificate(credential.certificate_pem, authority.certificate_pem, probe,
                                      now));
  }
  return credential;
}

Result<void> check_server_certificate(std::string_view leaf_pem, std::string_view bundle_pem,
                                      std::string_view dns_name, Time now) {
  const ErrorQueueGuard guard;
  const auto leaf = TRY(with_context(parse_certificates(leaf_pem), "server certificate"));
  const auto bundle = TRY(with_context(parse_certificates(bundle_pem), "CA bundle"));
  TRY_VOID(check_dns_name(dns_name));
  const OwnedStore store(X509_STORE_new());
  if (!store) return internal("checking a certificate");
  for (const auto& certificate : bundle) {
    if (X509_STORE_add_cert(store.get(), certificate.get()) != 1) {
      return internal("reading the CA bundle");
    }
  }
  return verify_chain(leaf, store.get(), dns_name, now);
}

bool key_belongs_to(std::string_view private_key_pem, std::string_view certificate_pem) {
  const ErrorQueueGuard guard;
  const auto key = parse_private_key(private_key_pem);
  const auto certificates = parse_certificates(certificate_pem);
  return key && certificates &&
         X509_check_private_key(certificates->front().get(), key->get()) == 1;
}

}  // namespace portcullis::crypto
