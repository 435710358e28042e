#include "lib/http/kube_address.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "lib/http/tls.hpp"

namespace portcullis::http {
namespace {

Error invalid(std::string_view url, std::string_view why) {
  return Error(ErrorCode::kInvalidArgument,
               "API server URL '" + std::string(url) + "': " + std::string(why));
}

bool is_host_char(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
         c == '.' || c == '_';
}

bool is_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port != 0;
}

bool is_path_char(char c) { return c > ' ' && c < 0x7f && c != '?' && c != '#'; }

}  // namespace

std::string KubeAddress::authority() const {
  return (is_ipv6() ? "[" + host + "]" : host) + ":" + port;
}

std::string KubeAddress::origin() const { return (tls ? "https://" : "http://") + authority(); }

Result<KubeAddress> parse_kube_address(std::string_view url) {
  KubeAddress address;
  address.tls = url.starts_with("https://");
  if (!address.tls && !url.starts_with("http://")) {
    return invalid(url, "it must begin with https:// or http://");
  }
  address.port = address.tls ? "443" : "80";
  auto rest = url.substr(url.find("//") + 2);

  const auto slash = std::min(rest.find('/'), rest.size());
  address.prefix = rest.substr(slash);
  while (address.prefix.ends_with('/')) address.prefix.pop_back();
  if (!std::ranges::all_of(address.prefix, is_path_char)) {
    return invalid(url, "the path has a character that must be percent-encoded, or a query");
  }
  auto authority = rest.substr(0, slash);
  // Not part of the text: the error would then show a password.
  if (authority.find('@') != std::string_view::npos) {
    return invalid("…@…", "credentials do not belong in the URL");
  }
  const auto bracket = authority.find(']');
  const auto host_end = bracket == std::string_view::npos ? authority.find(':') : bracket + 1;
  const auto host = authority.substr(0, host_end);
  if (host_end < authority.size()) {
    const auto port = authority.substr(host_end);
    if (!port.starts_with(':') || !is_port(port.substr(1))) return invalid(url, "bad port");
    address.port = port.substr(1);
  }
  if (bracket == std::string_view::npos) {
    address.host = host;
    if (!host.empty() && std::ranges::all_of(host, is_host_char)) return address;
  } else if (host.starts_with('[')) {
    address.host = host.substr(1, bracket - 1);
    if (address.is_ipv6() && is_ip_address(address.host)) return address;
  }
  return invalid(url, "bad host");
}

}  // namespace portcullis::http
