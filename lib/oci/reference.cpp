#include "lib/oci/reference.hpp"

#include <algorithm>

#include "lib/crypto/digest.hpp"

namespace portcullis::oci {
namespace {

// distribution/reference: RepositoryNameTotalLengthMax, and the {0,127} of the tag's expression.
constexpr std::size_t kMaxRepositoryLength = 255;
constexpr std::size_t kMaxTagLength = 128;
// A DNS name has at most 253 characters, a port 6 with its colon.
constexpr std::size_t kMaxHostLength = 259;

constexpr std::string_view kDefaultHost = "docker.io";
constexpr std::string_view kLegacyDefaultHost = "index.docker.io";
constexpr std::string_view kOfficialPrefix = "library/";

// ASCII only: the locale must not decide what an image name is.
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alphanumeric(char c) { return is_lower(c) || is_digit(c); }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (is_upper(c)) c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

bool is_domain_label(std::string_view label) {
  return !label.empty() && label.front() != '-' && label.back() != '-' &&
         std::ranges::all_of(label,
                             [](char c) { return is_alphanumeric(c) || is_upper(c) || c == '-'; });
}

bool is_port(std::string_view text) { return !text.empty() && std::ranges::all_of(text, is_digit); }

bool is_ipv6_host(std::string_view host) {
  const auto close = host.find(']');
  if (close == std::string_view::npos || close == 1) return false;
  const auto address = host.substr(1, close - 1);
  const auto rest = host.substr(close + 1);
  return std::ranges::all_of(address, [](char c) { return is_hex(c) || c == ':'; }) &&
         (rest.empty() || (rest.front() == ':' && is_port(rest.substr(1))));
}

bool is_host(std::string_view host) {
  if (host.empty() || host.size() > kMaxHostLength) return false;
  if (host.front() == '[') return is_ipv6_host(host);
  const auto colon = host.find(':');
  if (colon != std::string_view::npos && !is_port(host.substr(colon + 1))) return false;
  auto name = host.substr(0, colon);
  while (true) {
    const auto dot = name.find('.');
    if (!is_domain_label(name.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    name.remove_prefix(dot + 1);
  }
}

// One of ".", "_", "__" or any number of "-".
bool is_separator(std::string_view text) {
  return text == "." || text == "_" || text == "__" ||
         std::ranges::all_of(text, [](char c) { return c == '-'; });
}

bool is_path_component(std::string_view component) {
  if (component.empty() || !is_alphanumeric(component.front()) ||
      !is_alphanumeric(component.back())) {
    return false;
  }
  for (std::size_t i = 0; i < component.size();) {
    const auto* end = std::find_if(component.begin() + i, component.end(), is_alphanumeric);
    const auto length = static_cast<std::size_t>(end - component.begin()) - i;
    if (length > 0 && !is_separator(component.substr(i, length))) return false;
    i += length + 1;
  }
  return true;
}

bool is_path(std::string_view path) {
  while (true) {
    const auto slash = path.find('/');
    if (!is_path_component(path.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    path.remove_prefix(slash + 1);
  }
}

bool is_tag(std::string_view tag) {
  const auto word = [](char c) { return is_alphanumeric(c) || is_upper(c) || c == '_'; };
  return !tag.empty() && tag.size() <= kMaxTagLength && word(tag.front()) &&
         std::ranges::all_of(tag, [&](char c) { return word(c) || c == '.' || c == '-'; });
}

struct Split {
  std::string_view host;
  std::string_view remainder;
  bool official = false;  // "library/" belongs before the remainder
};

// normalize.go, splitDockerDomain: the first element is a host when it looks like one.
Split split_host(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return {kDefaultHost, text, true};
  const auto first = text.substr(0, slash);
  Split split{first, text.substr(slash + 1), false};
  if (first == kLegacyDefaultHost) {
    split.host = kDefaultHost;
  } else if (first != "localhost" && first.find_first_of(".:") == std::string_view::npos &&
             std::ranges::none_of(first, is_upper)) {
    split = {kDefaultHost, text, false};
  }
  split.official =
      split.host == kDefaultHost && split.remainder.find('/') == std::string_view::npos;
  return split;
}

Error invalid(std::string_view text, std::string_view why) {
  // The text may be anything at all; only what can be shown on one line is quoted.
  constexpr std::size_t kMostShown = 200;
  std::string shown(text.substr(0, kMostShown));
  std::ranges::replace_if(
      shown, [](char c) { return c < ' ' || c > '~'; }, '?');
  return {ErrorCode::kInvalidArgument, "image reference \"" + shown + "\": " + std::string(why)};
}

}  // namespace

std::string Reference::to_string() const {
  std::string text = name();
  if (tag) text += ":" + *tag;
  if (digest) text += "@" + *digest;
  return text;
}

Result<Reference> parse_reference(std::string_view text) {
  if (text.empty()) return invalid(text, "it is empty; write host/repository:tag");
  if (text.size() == 64 &&
      std::ranges::all_of(text, [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); })) {
    return invalid(text, "64 hexadecimal digits are an image ID, not a name");
  }

  const auto split = split_host(text);
  auto rest = split.remainder;
  Reference reference;
  if (const auto at = rest.find('@'); at != std::string_view::npos) {
    reference.digest = std::string(rest.substr(at + 1));
    rest = rest.substr(0, at);
    if (!crypto::is_sha256_digest(*reference.digest)) {
      return invalid(text, "the digest must be sha256: and 64 lower-case hexadecimal digits");
    }
  }
  if (const auto colon = rest.find(':'); colon != std::string_view::npos) {
    reference.tag = std::string(rest.substr(colon + 1));
    rest = rest.substr(0, colon);
    if (!is_tag(*reference.tag)) return invalid(text, "the tag is not valid");
  }

  if (!is_host(split.host)) return invalid(text, "the registry host is not valid");
  reference.host = lower(split.host);
  // The runtimes compare these two in lower case only and would ask another name for the image.
  if (split.host != kDefaultHost &&
      (reference.host == kDefaultHost || reference.host == kLegacyDefaultHost)) {
    return invalid(text, "write " + reference.host + " in lower case");
  }
  if (std::ranges::any_of(rest, is_upper)) {
    return invalid(text, "the repository name must be in lower case");
  }
  reference.repository = (split.official ? std::string(kOfficialPrefix) : "") + std::string(rest);
  if (!is_path(reference.repository)) return invalid(text, "the repository name is not valid");
  if (reference.repository.size() > kMaxRepositoryLength) {
    return invalid(text, "the repository name is longer than 255 characters");
  }
  if (!reference.tag && !reference.digest) reference.tag = "latest";
  return reference;
}

std::string pin(std::string_view written, std::string_view digest) {
  return std::string(written.substr(0, written.find('@'))) + "@" + std::string(digest);
}

}  // namespace portcullis::oci
