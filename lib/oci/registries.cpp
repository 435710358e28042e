#include "lib/oci/registries.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "lib/codec/encoding.hpp"
#include "lib/codec/json.hpp"
#include "lib/codec/yaml.hpp"
#include "lib/oci/reference.hpp"

namespace portcullis::oci {
namespace {

constexpr std::size_t kMaxEntries = 256;
constexpr std::size_t kMaxMirrors = 8;
constexpr std::size_t kMaxCaBytes = 1U << 20;
constexpr double kMaxRequestsPerSecond = 10'000;

Error invalid(const std::string& field, const std::string& why) {
  return {ErrorCode::kInvalidArgument, "registries file: " + field + " " + why};
}

// A host is right when it is what a normalised reference would have.
bool is_normal_host(const std::string& host) {
  const auto reference = parse_reference(host + "/repository");
  return reference && reference->host == host;
}

Result<std::string> read_ca(const std::string& file, std::string_view directory,
                            const std::string& field) {
  const auto path = std::filesystem::path(directory) / file;  // an absolute file stays as it is
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return invalid(field, "cannot be read: " + path.string());
  std::string pem(kMaxCaBytes + 1, '\0');
  stream.read(pem.data(), static_cast<std::streamsize>(pem.size()));
  pem.resize(static_cast<std::size_t>(stream.gcount()));
  if (pem.size() > kMaxCaBytes) return invalid(field, "is larger than 1 MiB: " + path.string());
  const auto blocks = codec::parse_pem(pem);
  if (!blocks || std::ranges::none_of(*blocks, [](const codec::PemBlock& block) {
        return block.label == "CERTIFICATE";
      })) {
    return invalid(field, "holds no PEM certificate: " + path.string());
  }
  return pem;
}

Result<std::string> string_field(const codec::Json& value, const std::string& field) {
  if (!value.is_string()) return invalid(field, "must be text");
  return value.get<std::string>();
}

Result<std::vector<std::string>> parse_mirrors(const codec::Json& value, const std::string& field) {
  if (!value.is_array() || value.size() > kMaxMirrors) {
    return invalid(field, "must be a list of at most 8 hosts");
  }
  std::vector<std::string> mirrors;
  for (const auto& item : value) {
    const auto at = field + "[" + std::to_string(mirrors.size()) + "]";
    auto mirror = TRY(string_field(item, at));
    if (!is_normal_host(mirror)) return invalid(at, "must be a host, as in image references");
    mirrors.push_back(std::move(mirror));
  }
  return mirrors;
}

Result<void> set_field(RegistryConfig& config, const std::string& key, const codec::Json& value,
                       const std::string& field, std::string_view directory) {
  if (key == "requestsPerSecond") {
    if (!value.is_number()) return invalid(field, "must be a number");
    config.requests_per_second = value.get<double>();
    // Written so that a NaN fails too.
    if (!(config.requests_per_second >= 0 && config.requests_per_second <= kMaxRequestsPerSecond)) {
      return invalid(field, "must be between 0 (no limit) and 10000");
    }
    return {};
  }
  if (key == "mirrors") {
    config.mirrors = TRY(parse_mirrors(value, field));
    return {};
  }
  auto text = TRY(string_field(value, field));
  if (key == "host") {
    if (!is_normal_host(text)) {
      return invalid(field,
                     "must be a host as in normalised image references (\"docker.io\", "
                     "\"registry.example.com:5000\"), without a scheme");
    }
    config.host = std::move(text);
  } else if (key == "scheme") {
    if (text != "https" && text != "http") return invalid(field, "must be https or http");
    config.scheme = text == "http" ? Scheme::kHttp : Scheme::kHttps;
  } else if (key == "auth") {
    if (text != "PullSecrets" && text != "Anonymous") {
      return invalid(field, "must be PullSecrets or Anonymous, the two ways of this version");
    }
    config.auth = text == "Anonymous" ? RegistryAuth::kAnonymous : RegistryAuth::kPullSecrets;
  } else if (key == "caFile") {
    config.ca_pem = TRY(read_ca(text, directory, field));
  } else {
    return invalid(field, "is not a known field");
  }
  return {};
}

Result<RegistryConfig> parse_registry(const codec::Json& value, const std::string& path,
                                      std::string_view directory) {
  if (!value.is_object()) return invalid(path, "must be a mapping");
  RegistryConfig config;
  for (const auto& [key, member] : value.items()) {
    std::string field = path;
    field.append(".").append(key);
    TRY_VOID(set_field(config, key, member, field, directory));
  }
  if (config.host.empty()) return invalid(path + ".host", "is required");
  return config;
}

}  // namespace

Result<Registries> Registries::parse(std::string_view yaml, std::string_view directory) {
  const auto documents = TRY(with_context(
      codec::parse_yaml(yaml, {.max_bytes = 1U << 20, .max_depth = 16, .max_nodes = 20'000}),
      "registries file"));
  Registries result;
  if (documents.empty()) return result;
  if (documents.size() > 1) return invalid("", "must be one document");
  const auto& root = documents.front();
  if (!root.is_object()) return invalid("", "must be a mapping with the key registries");
  for (const auto& [key, value] : root.items()) {
    if (key != "registries") return invalid(key, "is not a known field");
    if (value.is_null()) continue;
    if (!value.is_array() || value.size() > kMaxEntries) {
      return invalid(key, "must be a list of at most 256 registries");
    }
    for (const auto& item : value) {
      const auto path = "registries[" + std::to_string(result.entries_.size()) + "]";
      auto config = TRY(parse_registry(item, path, directory));
      if (std::ranges::any_of(result.entries_, [&](const RegistryConfig& other) {
            return other.host == config.host;
          })) {
        return invalid(path + ".host", "is listed twice: " + config.host);
      }
      result.entries_.push_back(std::move(config));
    }
  }
  return result;
}

RegistryConfig Registries::find(std::string_view host) const {
  const auto found = std::ranges::find(entries_, host, &RegistryConfig::host);
  if (found != entries_.end()) return *found;
  RegistryConfig defaults;
  defaults.host = std::string(host);
  return defaults;
}

}  // namespace portcullis::oci
