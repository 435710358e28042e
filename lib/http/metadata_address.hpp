#pragma once

#include <string_view>

namespace portcullis::http {

/// True for a numeric address where no registry lives but a cloud's metadata may: link-local
/// (169.254.0.0/16, fe80::/10) and what providers use besides (AWS fd00:ec2::254, Azure
/// 168.63.129.16, Alibaba 100.100.100.200), also where an IPv6 address only wraps it (IPv4-mapped,
/// IPv4-compatible, NAT64 64:ff9b::/96). False for what is no address. Internal to lib/http. Pure.
bool is_metadata_address(std::string_view ip);

}  // namespace portcullis::http
