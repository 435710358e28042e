#include "webhook/certificate_keeper.hpp"

#include "lib/base/log.hpp"
#include "lib/codec/encoding.hpp"
#include "lib/codec/json.hpp"

namespace portcullis::webhook {
namespace {

/// Short: nothing revokes a leaf, so its life is the bound (cert-manager uses the same).
constexpr std::chrono::hours kLeafLifetime{7 * 24};
constexpr std::chrono::hours kRenewBefore{kLeafLifetime / 3};
constexpr std::chrono::seconds kReadTimeout{5};

Result<std::string> entry(const codec::Json& secret, std::string_view key) {
  const auto* data = codec::find(secret, "data");
  const auto encoded = data == nullptr ? std::nullopt : codec::find_string(*data, key);
  if (!encoded) {
    return Error(ErrorCode::kInvalidArgument, "the CA secret has no entry " + std::string(key));
  }
  return codec::decode_base64(*encoded);
}

}  // namespace

CertificateKeeper::CertificateKeeper(Options options, kube::Client& client, http::Server& server,
                                     const Clock& clock, metrics::Registry& registry)
    : options_(std::move(options)),
      client_(client),
      server_(server),
      clock_(clock),
      expiry_(registry.gauge("portcullis_webhook_certificate_expiry_timestamp_seconds",
                             "When the served certificate ends, in Unix time; 0: none yet.")) {}

Result<void> CertificateKeeper::issue_if_needed() {
  const auto secret =
      TRY(client_.get(kube::kSecrets, options_.ca_secret, Deadline::after(kReadTimeout)));
  const crypto::Credential authority{TRY(entry(secret, "tls.crt")), TRY(entry(secret, "tls.key"))};
  const auto now = clock_.now();
  const auto valid_until = valid_until_.copy();
  const bool fresh = valid_until && now < *valid_until - kRenewBefore;
  if (fresh && authority.certificate_pem == authority_pem_) return {};

  auto leaf =
      TRY(crypto::issue_server_certificate(authority, options_.dns_names, now, kLeafLifetime));
  const auto info = TRY(crypto::parse_certificate(leaf.certificate_pem));
  TRY_VOID(server_.set_certificate(
      {leaf.certificate_pem + authority.certificate_pem, leaf.private_key_pem}));
  authority_pem_ = authority.certificate_pem;
  valid_until_.set(info.not_after);
  expiry_.set(static_cast<double>(std::chrono::system_clock::to_time_t(info.not_after)));
  log::info("serving with a new certificate",
            {{"serial", info.serial}, {"expires", codec::format_time(info.not_after)}});
  return {};
}

void CertificateKeeper::refresh() {
  const auto issued = issue_if_needed();
  const auto problem = issued ? std::string() : issued.error().message();
  if (!issued && problem != last_error_.copy()) {
    log::warning("no certificate from the CA secret",
                 {{"secret", to_string(options_.ca_secret)}, {"error", issued.error()}});
  }
  last_error_.set(problem);
}

std::string CertificateKeeper::why_not_valid() const {
  const auto valid_until = valid_until_.copy();
  if (!valid_until) return "is not issued yet: " + last_error_.copy();
  return clock_.now() < *valid_until ? "" : "has expired";
}

}  // namespace portcullis::webhook
