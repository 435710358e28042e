#pragma once

#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <utility>  // before asio, which forgets it under C++20

#include "lib/base/guarded.hpp"
#include "lib/base/result.hpp"
#include "lib/http/server.hpp"

/// TLS settings for both sides. Internal to lib/http: no header that others include may name it.
namespace portcullis::http {

using TlsContext = boost::asio::ssl::context;

/// Whom a client trusts and who it is. Contents, not paths.
struct ClientTls {
  std::string ca_pem;  ///< Trust these alone; empty: the system's store.
  std::string certificate_pem, private_key_pem;
  std::string server_name;  ///< DNS name or IP address that the certificate must be for.
  bool skip_verify = false;
};

/// TLS 1.2+, the trust and the name check of `tls` on a fresh context. The name check is OpenSSL's
/// own: subjectAltName only, IP addresses as such. kInvalidArgument when a PEM text does not parse.
Result<void> configure_client(TlsContext& context, const ClientTls& tls);

/// TLS 1.2+, ALPN http/1.1 (anything else offered is left unanswered, not refused), no tickets, no
/// renegotiation. kInvalidArgument when chain and key do not parse or do not belong together.
Result<std::shared_ptr<TlsContext>> make_server_context(const ServerCertificate& certificate);

bool is_ip_address(std::string_view host);

/// "certificate verify failed": what OpenSSL says to one of its packed error codes.
std::string tls_reason(unsigned long code);

/// Why a peer's certificate was refused: "unable to get local issuer certificate", "" if it was
/// not.
std::string verify_failure(const SSL* ssl);

/// Where the reason of the last refused certificate is kept, for a client that does not let us see
/// its SSL object. `failures` must outlive every connection made from the context.
using VerifyFailures = Guarded<std::string>;
void record_verify_failures(TlsContext& context, VerifyFailures& failures);

}  // namespace portcullis::http
