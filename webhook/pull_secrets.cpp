#include "webhook/pull_secrets.hpp"

#include "lib/codec/encoding.hpp"
#include "lib/codec/json.hpp"

namespace portcullis::webhook {
namespace {

/// As long as the kubelet keeps a secret at most: a rotated one is seen within it.
constexpr std::chrono::seconds kKeep{60};
constexpr std::size_t kMaxCached = 4'096;

std::vector<std::string> pull_secrets_of(const codec::Json& service_account) {
  std::vector<std::string> names;
  const auto* references = codec::find(service_account, "imagePullSecrets");
  if (references == nullptr || !references->is_array()) return names;
  for (const auto& reference : *references) {
    auto name = codec::string_or_empty(reference, "name");
    if (!name.empty()) names.push_back(std::move(name));
  }
  return names;
}

}  // namespace

Result<void> PullSecrets::add_secret(const api::ObjectKey& key, oci::Keychain& keychain,
                                     Deadline deadline) {
  const auto secret = TRY(client_.get(kube::kSecrets, key, deadline));
  const auto* data = codec::find(secret, "data");
  for (const auto* entry : {".dockerconfigjson", ".dockercfg"}) {
    const auto encoded = data == nullptr ? std::nullopt : codec::find_string(*data, entry);
    if (encoded) return keychain.add_docker_config(TRY(codec::decode_base64(*encoded)));
  }
  return Error(ErrorCode::kInvalidArgument, "is not of type kubernetes.io/dockerconfigjson");
}

PullCredentials PullSecrets::fetch(const std::string& name_space, std::set<std::string> names,
                                   const std::string& service_account, Deadline deadline) {
  oci::Keychain keychain;
  PullCredentials credentials;
  const api::ObjectKey account{name_space, service_account.empty() ? "default" : service_account};
  if (const auto found = client_.get(kube::kServiceAccounts, account, deadline)) {
    for (auto& name : pull_secrets_of(*found)) names.insert(std::move(name));
  } else if (found.error().code() != ErrorCode::kNotFound) {
    credentials.notes.push_back("ServiceAccount " + account.name +
                                " could not be read: " + found.error().message());
  }
  for (const auto& name : names) {
    if (const auto added = add_secret({name_space, name}, keychain, deadline); !added) {
      credentials.notes.push_back("pull secret " + name +
                                  " could not be used: " + added.error().message());
    }
  }
  credentials.keychain = std::make_shared<const oci::Keychain>(std::move(keychain));
  return credentials;
}

PullCredentials PullSecrets::read(const std::string& name_space,
                                  const std::set<std::string>& declared,
                                  const std::string& service_account,
                                  const std::vector<std::string>& in_pod, Deadline deadline) {
  std::string id = name_space + "\n" + service_account;
  for (const auto& name : declared) id += "\n" + name;
  const auto now = clock_.steady();
  auto credentials = cache_.with([&](auto& cache) {
    const auto found = cache.find(id);
    return found != cache.end() && now < found->second.until ? found->second.credentials
                                                             : PullCredentials{};
  });
  if (!credentials.keychain) {
    credentials = fetch(name_space, declared, service_account, deadline);
    // Only a clean answer is kept: a secret that appears a second later must be seen.
    if (credentials.notes.empty()) {
      cache_.with([&](auto& cache) {
        if (cache.size() >= kMaxCached) cache.clear();
        cache[id] = {credentials, now + kKeep};
      });
    }
  }
  for (const auto& name : in_pod) {
    if (!declared.contains(name)) {
      credentials.notes.push_back("pull secret " + name +
                                  " stands only in the pod: add it to spec.imagePullSecrets of the "
                                  "AIWorkload");
    }
  }
  return credentials;
}

}  // namespace portcullis::webhook
