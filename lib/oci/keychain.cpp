#include "lib/oci/keychain.hpp"

#include <algorithm>

#include "lib/codec/encoding.hpp"
#include "lib/codec/json.hpp"
#include "lib/crypto/digest.hpp"

namespace portcullis::oci {
namespace {

// A Secret holds at most 1 MiB (core/v1 MaxSecretSize).
constexpr std::size_t kMaxConfigBytes = 1U << 20;
constexpr std::string_view kDefaultHost = "docker.io";
constexpr std::string_view kDefaultRegistryKey = "index.docker.io";

struct HostPort {
  std::string_view name, port;
};

HostPort split_port(std::string_view host) {
  const auto colon = host.rfind(':');
  const auto bracket = host.rfind(']');
  const bool has_port =
      colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
  if (!has_port) return {host, {}};
  return {host.substr(0, colon), host.substr(colon + 1)};
}

// `*` any run of characters, `?` one: within one label of a host name.
bool matches_label(std::string_view glob, std::string_view label) {
  std::size_t g = 0, l = 0, star = std::string_view::npos, resume = 0;
  while (l < label.size()) {
    if (g < glob.size() && glob[g] == '*') {
      star = g++;
      resume = l;
    } else if (g < glob.size() && (glob[g] == '?' || glob[g] == label[l])) {
      ++g;
      ++l;
    } else if (star != std::string_view::npos) {
      g = star + 1;
      l = ++resume;
    } else {
      return false;
    }
  }
  while (g < glob.size() && glob[g] == '*') ++g;
  return g == glob.size();
}

// The kubelet's URLsMatch: same port, same number of labels, each label matched by its glob.
bool matches_host(std::string_view glob, std::string_view host) {
  auto [pattern, pattern_port] = split_port(glob);
  auto [name, name_port] = split_port(host);
  if (pattern_port != name_port) return false;
  while (true) {
    const auto pattern_dot = pattern.find('.');
    const auto name_dot = name.find('.');
    if (!matches_label(pattern.substr(0, pattern_dot), name.substr(0, name_dot))) return false;
    if (pattern_dot == std::string_view::npos || name_dot == std::string_view::npos) {
      return pattern_dot == name_dot;
    }
    pattern.remove_prefix(pattern_dot + 1);
    name.remove_prefix(name_dot + 1);
  }
}

struct Location {
  std::string host, path;
};

// The kubelet's BasicDockerKeyring.Add: no scheme, and /v1/ and /v2/ stand for the host.
Location parse_location(std::string_view text) {
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (text.starts_with(scheme)) {
      text.remove_prefix(scheme.size());
      break;
    }
  }
  const auto slash = text.find('/');
  Location location{std::string(text.substr(0, slash)), ""};
  std::ranges::transform(location.host, location.host.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  if (slash != std::string_view::npos) {
    auto path = text.substr(slash);
    if (path.starts_with("/v1/") || path.starts_with("/v2/")) path.remove_prefix(3);
    if (path != "/") location.path = std::string(path);
  }
  return location;
}

// `auth` is base64 of "user:password"; both padded and unpadded text are in use.
Result<Credential> parse_auth(std::string text) {
  const auto last = text.find_last_not_of(" \t\r\n");
  text.erase(last == std::string::npos ? 0 : last + 1);
  while (text.size() % 4 != 0) text += '=';
  const auto plain = codec::decode_base64(text);
  const auto colon = plain ? plain->find(':') : std::string::npos;
  if (colon == std::string::npos) {
    return Error(ErrorCode::kInvalidArgument, "auth is not base64 of \"user:password\"");
  }
  return Credential{plain->substr(0, colon), plain->substr(colon + 1), ""};
}

Result<Credential> parse_entry(const codec::Json& entry) {
  if (!entry.is_object()) return Error(ErrorCode::kInvalidArgument, "it must be an object");
  Credential credential;
  const auto auth = codec::string_or_empty(entry, "auth");
  if (!auth.empty()) {
    credential = TRY(parse_auth(auth));
  } else {
    credential.username = codec::string_or_empty(entry, "username");
    credential.password = codec::string_or_empty(entry, "password");
  }
  if (auto token = codec::string_or_empty(entry, "identitytoken"); !token.empty()) {
    credential = {"", "", std::move(token)};
  }
  return credential;
}

}  // namespace

std::string Credential::fingerprint() const {
  if (username.empty() && password.empty() && identity_token.empty()) return "";
  std::string text;
  // Lengths in front, so that no two credentials have the same text.
  for (const auto* part : {&username, &password, &identity_token}) {
    text += std::to_string(part->size()) + ":" + *part;
  }
  return codec::encode_hex(crypto::sha256(text));
}

Result<void> Keychain::add_docker_config(std::string_view json) {
  const auto config = TRY(with_context(
      codec::parse_json(json, {.max_bytes = kMaxConfigBytes, .max_depth = 16}), "pull secret"));
  if (!config.is_object()) {
    return Error(ErrorCode::kInvalidArgument, "pull secret: it must be a JSON object");
  }
  const auto* auths = codec::find(config, "auths");
  const codec::Json& registries = auths != nullptr ? *auths : config;
  if (!registries.is_object()) {
    return Error(ErrorCode::kInvalidArgument, "pull secret: auths must be an object");
  }

  std::vector<Entry> added;
  for (const auto& [where, value] : registries.items()) {
    auto credential = TRY(with_context(parse_entry(value), "pull secret: entry \"" + where + "\""));
    // An entry that only names a registry says nothing; the kubelet would ask with empty words.
    if (credential.fingerprint().empty()) continue;
    auto location = parse_location(where);
    added.push_back({std::move(location.host), std::move(location.path), std::move(credential)});
  }
  std::ranges::move(added, std::back_inserter(entries_));
  // Reverse order of the whole key, as the kubelet has it: a longer path before its prefix. Stable,
  // so that of equal keys the secret that was added first is tried first.
  std::ranges::stable_sort(entries_, std::greater<>{},
                           [](const Entry& entry) { return entry.host + entry.path; });
  return {};
}

std::vector<Credential> Keychain::find(const Reference& reference) const {
  std::vector<Credential> found;
  const std::string path = "/" + reference.repository;
  for (const auto& entry : entries_) {
    if (matches_host(entry.host, reference.host) && path.starts_with(entry.path)) {
      found.push_back(entry.credential);
    }
  }
  if (found.empty() && reference.host == kDefaultHost) {
    for (const auto& entry : entries_) {
      if (entry.host == kDefaultRegistryKey && entry.path.empty()) {
        found.push_back(entry.credential);
      }
    }
  }
  return found;
}

}  // namespace portcullis::oci
