#pragma once

#include <string>
#include <string_view>

#include "lib/base/result.hpp"

namespace portcullis::http {

/// The parts of an API server's URL. Internal to lib/http. Pure.
struct KubeAddress {
  bool tls = true;
  std::string host;    ///< Name or address; IPv6 without brackets.
  std::string port;    ///< Decimal, the scheme's own where the URL has none.
  std::string prefix;  ///< "" or "/k8s/clusters/c-1", without a "/" at the end.

  bool is_ipv6() const { return host.find(':') != std::string::npos; }
  /// "https://10.96.0.1:443", without the prefix.
  std::string origin() const;
  /// The value of a Host header.
  std::string authority() const;
};

/// kInvalidArgument, naming what is wrong, for anything but http(s)://host[:port][/prefix].
Result<KubeAddress> parse_kube_address(std::string_view url);

}  // namespace portcullis::http
