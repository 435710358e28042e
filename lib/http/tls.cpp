#include "lib/http/tls.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/address.hpp>

namespace portcullis::http {
namespace {

using boost::system::error_code;

struct BioFree {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
struct CertificateFree {
  void operator()(X509* certificate) const { X509_free(certificate); }
};

Error invalid(std::string_view what, const error_code& why) {
  return Error(ErrorCode::kInvalidArgument, std::string(what) + ": " + why.message());
}

/// Trusts the certificates of the text and no others. A root need not be self-signed, as with Go's
/// verifier, which every other client of the API server uses.
Result<void> trust_only(TlsContext& context, const std::string& ca_pem) {
  X509_STORE* const store = X509_STORE_new();
  if (store == nullptr) return Error(ErrorCode::kInternal, "out of memory for a certificate store");
  SSL_CTX_set_cert_store(context.native_handle(), store);  // takes the store over
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);

  const std::unique_ptr<BIO, BioFree> bio(
      BIO_new_mem_buf(ca_pem.data(), static_cast<int>(ca_pem.size())));
  int count = 0;
  for (;;) {
    const std::unique_ptr<X509, CertificateFree> certificate(
        PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    if (!certificate) break;
    X509_STORE_add_cert(store, certificate.get());
    ++count;
  }
  // The loop ends with "no start line" after the last one; anything else is a broken block.
  const bool clean = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (count > 0 && clean) return {};
  return Error(ErrorCode::kInvalidArgument, "the CA is not a PEM list of certificates");
}

Result<void> use_identity(TlsContext& context, const std::string& chain, const std::string& key) {
  // Without it OpenSSL asks for an encrypted key's password on the terminal.
  context.set_password_callback([](std::size_t, TlsContext::password_purpose) { return ""; });
  error_code ec;
  ERR_clear_error();
  context.use_certificate_chain(boost::asio::buffer(chain), ec);
  if (ec) return invalid("the certificate chain is not usable PEM", ec);
  context.use_private_key(boost::asio::buffer(key), TlsContext::pem, ec);
  if (ec) return invalid("the private key is not usable PEM or is another certificate's", ec);
  if (SSL_CTX_check_private_key(context.native_handle()) != 1) {
    ERR_clear_error();
    return Error(ErrorCode::kInvalidArgument, "the private key is another certificate's");
  }
  return {};
}

/// RFC 7301; the API server pins http/1.1. NOACK goes on without ALPN where nothing fits: old
/// clients and load balancers offer odd lists and then speak HTTP/1.1 all the same.
int select_protocol(SSL*, const unsigned char** out, unsigned char* out_length,
                    const unsigned char* in, unsigned int in_length, void*) {
  static constexpr unsigned char kOurs[] = "\x08http/1.1";
  unsigned char* chosen = nullptr;
  const int found =
      SSL_select_next_proto(&chosen, out_length, kOurs, sizeof kOurs - 1, in, in_length);
  *out = chosen;
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

int failures_index() {
  static const int kIndex = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return kIndex;
}

void on_tls_event(const SSL* ssl, int where, int) {
  if ((where & SSL_CB_WRITE_ALERT) != SSL_CB_WRITE_ALERT) return;
  auto* const failures =
      static_cast<VerifyFailures*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), failures_index()));
  auto reason = verify_failure(ssl);
  if (failures != nullptr && !reason.empty()) failures->set(std::move(reason));
}

}  // namespace

Result<void> configure_client(TlsContext& context, const ClientTls& tls) {
  SSL_CTX* const native = context.native_handle();
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  if (tls.ca_pem.empty()) {
    error_code ignored;  // An image without a system store trusts nobody, which is the safe end.
    context.set_default_verify_paths(ignored);
  } else {
    TRY_VOID(trust_only(context, tls.ca_pem));
  }
  if (!tls.certificate_pem.empty() || !tls.private_key_pem.empty()) {
    TRY_VOID(use_identity(context, tls.certificate_pem, tls.private_key_pem));
  }
  SSL_CTX_set_verify(native, tls.skip_verify ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, nullptr);
  X509_VERIFY_PARAM* const parameters = SSL_CTX_get0_param(native);
  X509_VERIFY_PARAM_set_hostflags(
      parameters, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  const int named = is_ip_address(tls.server_name)
                        ? X509_VERIFY_PARAM_set1_ip_asc(parameters, tls.server_name.c_str())
                        : X509_VERIFY_PARAM_set1_host(parameters, tls.server_name.c_str(), 0);
  if (named == 1) return {};
  ERR_clear_error();
  return Error(ErrorCode::kInvalidArgument,
               "'" + tls.server_name + "' is not a name that a certificate can have");
}

Result<std::shared_ptr<TlsContext>> make_server_context(const ServerCertificate& certificate) {
  auto context = std::make_shared<TlsContext>(TlsContext::tls_server);
  SSL_CTX* const native = context->native_handle();
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(native,
                          "ECDHE+AESGCM:ECDHE+CHACHA20");  // TLS 1.2; 1.3 has good ones only
  SSL_CTX_set_options(native, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_num_tickets(native, 0);
  SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);  // an idle connection keeps no 32 KiB
  SSL_CTX_set_alpn_select_cb(native, select_protocol, nullptr);
  TRY_VOID(use_identity(*context, certificate.certificate_chain_pem, certificate.private_key_pem));
  return context;
}

bool is_ip_address(std::string_view host) {
  error_code ec;
  boost::asio::ip::make_address(host, ec);
  return !ec;
}

std::string tls_reason(unsigned long code) {
  const char* const reason = ERR_reason_error_string(code);
  return reason == nullptr ? "handshake failed" : reason;
}

std::string verify_failure(const SSL* ssl) {
  const long result = SSL_get_verify_result(ssl);
  return result == X509_V_OK ? std::string() : X509_verify_cert_error_string(result);
}

void record_verify_failures(TlsContext& context, VerifyFailures& failures) {
  SSL_CTX_set_ex_data(context.native_handle(), failures_index(), &failures);
  SSL_CTX_set_info_callback(context.native_handle(), on_tls_event);
}

}  // namespace portcullis::http
