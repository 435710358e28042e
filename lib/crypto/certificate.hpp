#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/clock.hpp"
#include "lib/base/result.hpp"

/// X.509 certificates that Portcullis issues for its own webhook, and reading of any certificate.
namespace portcullis::crypto {

/// A certificate and its private key, PEM. ECDSA P-256, random 128-bit serial.
struct Credential {
  std::string certificate_pem;
  std::string private_key_pem;  ///< PKCS#8, unencrypted. Never logged.
};

struct CertificateInfo {
  std::string subject_common_name;
  std::vector<std::string> dns_names;
  Time not_before, not_after;
  bool is_ca = false;
  std::string fingerprint;  ///< SHA-256 of the DER, hex.
  std::string serial;       ///< hex
};
/// The first certificate of a PEM text.
Result<CertificateInfo> parse_certificate(std::string_view pem);

/// A self-signed CA, pathlen 0, critical name constraints: it can only ever vouch for
/// `permitted_dns` and names below it. Valid from 5 min before `now`.
Result<Credential> create_certificate_authority(std::string_view common_name,
                                                const std::vector<std::string>& permitted_dns,
                                                Time now, std::chrono::seconds lifetime);

/// A server leaf (EKU serverAuth, SAN dns_names) signed by `authority`.
Result<Credential> issue_server_certificate(const Credential& authority,
                                            const std::vector<std::string>& dns_names, Time now,
                                            std::chrono::seconds lifetime);

/// kInvalidArgument with the reason when `leaf_pem` does not chain to a certificate of
/// `bundle_pem`, is for other names, or is not valid at `now`.
Result<void> check_server_certificate(std::string_view leaf_pem, std::string_view bundle_pem,
                                      std::string_view dns_name, Time now);

/// True when certificate and key are PEM and belong together.
bool key_belongs_to(std::string_view private_key_pem, std::string_view certificate_pem);

}  // namespace portcullis::crypto
