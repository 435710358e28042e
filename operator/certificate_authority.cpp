#include "operator/certificate_authority.hpp"

#include "lib/base/log.hpp"
#include "lib/codec/encoding.hpp"
#include "lib/codec/json.hpp"

namespace portcullis::controller {
namespace {

using std::chrono::hours;

constexpr hours kLifetime{365 * 24};
/// A third before the end, so that months are left to notice when rotation fails.
constexpr hours kRenewBefore{kLifetime / 3};
/// How long a new CA is trusted before it signs: every API server has the new bundle by then.
constexpr hours kTrustBeforeUse{1};
constexpr std::chrono::seconds kPassTimeout{20};

Result<crypto::CertificateInfo> info_of(const crypto::Credential& credential) {
  auto info = TRY(crypto::parse_certificate(credential.certificate_pem));
  if (!crypto::key_belongs_to(credential.private_key_pem, credential.certificate_pem)) {
    return Error(ErrorCode::kInvalidArgument, "the CA's key does not belong to its certificate");
  }
  return info;
}

/// `newest` first, then those of `bundle_pem` that have not ended, each once.
std::string bundle_of(const std::vector<std::string>& newest, const std::string& bundle_pem,
                      Time now) {
  std::string bundle;
  const auto add = [&](const std::string& pem) {
    const auto info = crypto::parse_certificate(pem);
    if (info && now < info->not_after && bundle.find(pem) == std::string::npos) bundle += pem;
  };
  for (const auto& pem : newest) add(pem);
  if (const auto blocks = codec::parse_pem(bundle_pem)) {
    for (const auto& block : *blocks) add(codec::encode_pem(block.label, block.der));
  }
  return bundle;
}

Result<AuthorityState> begin(const std::string& dns_name, const std::string& old_bundle, Time now) {
  AuthorityState fresh;
  fresh.current = TRY(
      crypto::create_certificate_authority("portcullis webhook CA", {dns_name}, now, kLifetime));
  fresh.bundle_pem = bundle_of({fresh.current.certificate_pem}, old_bundle, now);
  return fresh;
}

std::optional<std::string> entry(const codec::Json& secret, std::string_view key) {
  const auto* data = codec::find(secret, "data");
  const auto encoded = data == nullptr ? std::nullopt : codec::find_string(*data, key);
  if (!encoded) return std::nullopt;
  auto bytes = codec::decode_base64(*encoded);
  return bytes ? std::optional(std::move(*bytes)) : std::nullopt;
}

std::optional<AuthorityState> read_state(const codec::Json& secret) {
  const auto certificate = entry(secret, "tls.crt");
  const auto key = entry(secret, "tls.key");
  if (!certificate || !key) return std::nullopt;
  AuthorityState state{
      {*certificate, *key}, std::nullopt, entry(secret, "ca-bundle.crt").value_or("")};
  const auto next_certificate = entry(secret, "next.crt");
  const auto next_key = entry(secret, "next.key");
  if (next_certificate && next_key) state.next = crypto::Credential{*next_certificate, *next_key};
  return state;
}

codec::Json secret_object(const api::ObjectKey& key, const AuthorityState& state) {
  codec::Json data = {{"tls.crt", codec::encode_base64(state.current.certificate_pem)},
                      {"tls.key", codec::encode_base64(state.current.private_key_pem)},
                      {"ca-bundle.crt", codec::encode_base64(state.bundle_pem)}};
  if (state.next) {
    data["next.crt"] = codec::encode_base64(state.next->certificate_pem);
    data["next.key"] = codec::encode_base64(state.next->private_key_pem);
  }
  return {{"apiVersion", "v1"},
          {"kind", "Secret"},
          {"metadata",
           {{"namespace", key.name_space},
            {"name", key.name},
            {"labels", {{"app.kubernetes.io/managed-by", "portcullis"}}}}},
          {"type", "kubernetes.io/tls"},
          {"data", std::move(data)}};
}

bool same(const crypto::Credential& a, const crypto::Credential& b) {
  return a.certificate_pem == b.certificate_pem && a.private_key_pem == b.private_key_pem;
}

}  // namespace

bool AuthorityState::operator==(const AuthorityState& other) const {
  const bool same_next =
      next.has_value() == other.next.has_value() && (!next || same(*next, *other.next));
  return same(current, other.current) && same_next && bundle_pem == other.bundle_pem;
}

Result<AuthorityState> advance(const std::optional<AuthorityState>& state,
                               const std::string& dns_name, Time now) {
  if (!state) return begin(dns_name, "", now);
  const auto current = info_of(state->current);
  if (!current || current->not_after <= now) return begin(dns_name, state->bundle_pem, now);

  auto after = *state;
  if (after.next) {
    const auto next = info_of(*after.next);
    if (!next) {
      after.next.reset();
    } else if (next->not_before + kTrustBeforeUse <= now) {
      after.current = *after.next;
      after.next.reset();
    }
  } else if (current->not_after - kRenewBefore <= now) {
    after.next = TRY(
        crypto::create_certificate_authority("portcullis webhook CA", {dns_name}, now, kLifetime));
  }
  std::vector<std::string> trusted{after.current.certificate_pem};
  if (after.next) trusted.push_back(after.next->certificate_pem);
  after.bundle_pem = bundle_of(trusted, state->bundle_pem, now);
  return after;
}

CertificateAuthority::CertificateAuthority(Options options, kube::Client& client,
                                           const Clock& clock, metrics::Registry& registry)
    : options_(std::move(options)),
      client_(client),
      clock_(clock),
      expiry_(registry.gauge("portcullis_webhook_ca_expiry_timestamp_seconds",
                             "When the webhook's CA ends, in Unix time.")) {}

Result<AuthorityState> CertificateAuthority::keep_secret(Deadline deadline) {
  const auto secret = client_.get(kube::kSecrets, options_.secret, deadline);
  const bool missing = !secret && secret.error().code() == ErrorCode::kNotFound;
  if (!secret && !missing) return Error(secret.error()).with_context("reading the CA secret");

  const auto before = missing ? std::nullopt : read_state(*secret);
  auto state = TRY(advance(before, options_.dns_name, clock_.now()));
  if (before && *before == state) return state;
  auto object = secret_object(options_.secret, state);
  if (missing) {
    TRY_VOID(
        with_context(client_.create(kube::kSecrets, object, deadline), "creating the CA secret"));
  } else {
    // The precondition: two operators that rotate at once must not mix their keys. next.* that are
    // not in the new state must go, which a merge patch does by null.
    object["metadata"]["resourceVersion"] = api::parse_meta(*secret).resource_version;
    for (const auto* key : {"next.crt", "next.key"}) {
      if (!object["data"].contains(key)) object["data"][key] = nullptr;
    }
    TRY_VOID(with_context(client_.merge_patch(kube::kSecrets, options_.secret, object, deadline),
                          "rotating the CA secret"));
  }
  log::info("webhook CA written",
            {{"secret", to_string(options_.secret)}, {"rotating", state.next ? "yes" : "no"}});
  return state;
}

Result<void> CertificateAuthority::publish(const kube::Resource& resource, const std::string& name,
                                           const std::string& bundle_pem, Deadline deadline) {
  const auto encoded = codec::encode_base64(bundle_pem);
  const auto configuration = TRY(with_context(client_.get(resource, {"", name}, deadline),
                                              std::string(resource.kind) + " " + name));
  auto webhooks = codec::Json::array();
  bool differs = false;
  const auto* listed = codec::find(configuration, "webhooks");
  if (listed == nullptr || !listed->is_array()) return {};
  for (const auto& webhook : *listed) {
    const auto* client = codec::find(webhook, "clientConfig");
    differs =
        differs || client == nullptr || codec::string_or_empty(*client, "caBundle") != encoded;
    webhooks.push_back({{"name", codec::string_or_empty(webhook, "name")},
                        {"clientConfig", {{"caBundle", encoded}}}});
  }
  if (!differs) return {};
  // The list is a map by name: this owns the caBundle of each entry and nothing else.
  const codec::Json object = {{"apiVersion", resource.api_version()},
                              {"kind", resource.kind},
                              {"metadata", {{"name", name}}},
                              {"webhooks", std::move(webhooks)}};
  TRY_VOID(with_context(
      client_.apply(resource, object, deadline, {.field_manager = "portcullis-operator-ca"}),
      "publishing the CA"));
  log::info("webhook CA published", {{"kind", resource.kind}, {"name", name}});
  return {};
}

Result<void> CertificateAuthority::pass() {
  const auto deadline = Deadline::after(kPassTimeout);
  const auto state = TRY(keep_secret(deadline));
  const auto info = TRY(crypto::parse_certificate(state.current.certificate_pem));
  expiry_.set(static_cast<double>(std::chrono::system_clock::to_time_t(info.not_after)));
  TRY_VOID(publish(kube::kValidatingWebhooks, options_.validating_configuration, state.bundle_pem,
                   deadline));
  TRY_VOID(publish(kube::kMutatingWebhooks, options_.mutating_configuration, state.bundle_pem,
                   deadline));
  return {};
}

void CertificateAuthority::keep() {
  const auto done = pass();
  const auto problem = done ? std::string() : done.error().message();
  if (!done && problem != problem_.copy()) {
    log::error("the webhook's CA is not in place", {{"error", done.error()}});
  }
  problem_.set(problem);
}

}  // namespace portcullis::controller
