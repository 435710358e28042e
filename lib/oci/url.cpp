#include "lib/oci/url.hpp"

#include <algorithm>

namespace portcullis::oci {
namespace {

// Signed storage URLs run to some 2 KiB; servers commonly stop at 8 KiB.
constexpr std::size_t kMaxLength = 8192;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

Error invalid(std::string_view why) {
  return {ErrorCode::kInvalidArgument, "URL: " + std::string(why)};
}

bool is_host_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
         std::string_view("-._:[]").find(c) != std::string_view::npos;
}

}  // namespace

Result<Url> parse_url(std::string_view text) {
  if (text.size() > kMaxLength) return invalid("longer than 8 KiB");
  if (std::ranges::any_of(text, [](char c) { return c <= ' ' || c > '~' || c == '\\'; })) {
    return invalid("it holds a character that must be percent-encoded");
  }
  const auto colon = text.find("://");
  if (colon == std::string_view::npos) return invalid("it is not absolute");
  Url url;
  url.scheme = std::string(text.substr(0, colon));
  std::ranges::transform(url.scheme, url.scheme.begin(), lower);
  if (url.scheme != "https" && url.scheme != "http") return invalid("only http and https are used");

  auto rest = text.substr(colon + 3);
  rest = rest.substr(0, rest.find('#'));
  const auto end = rest.find_first_of("/?");
  url.authority = std::string(rest.substr(0, end));
  std::ranges::transform(url.authority, url.authority.begin(), lower);
  if (url.authority.empty() || !std::ranges::all_of(url.authority, is_host_character)) {
    return invalid("its host is not valid");  // '@' is no host character: no user information
  }
  const std::string_view default_port = url.scheme == "https" ? ":443" : ":80";
  if (url.authority.ends_with(default_port)) {
    url.authority.resize(url.authority.size() - default_port.size());
  }
  if (end != std::string_view::npos) url.target = std::string(rest.substr(end));
  if (!url.target.starts_with('/')) url.target.insert(0, "/");
  return url;
}

Result<Url> resolve_url(const Url& base, std::string_view location) {
  if (location.empty()) return invalid("it is empty");
  const auto colon = location.find(':');
  if (colon != std::string_view::npos && colon < location.find_first_of("/?#")) {
    return parse_url(location);
  }
  if (location.starts_with("//")) return parse_url(base.scheme + ":" + std::string(location));
  const auto origin = base.scheme + "://" + base.authority;
  if (location.starts_with('/')) return parse_url(origin + std::string(location));

  const auto path = base.target.substr(0, base.target.find('?'));
  if (location.starts_with('?')) return parse_url(origin + path + std::string(location));
  if (location.find("..") != std::string_view::npos) return invalid("it climbs with \"..\"");
  return parse_url(origin + path.substr(0, path.rfind('/') + 1) + std::string(location));
}

}  // namespace portcullis::oci
