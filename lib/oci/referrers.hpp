#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/deadline.hpp"
#include "lib/base/result.hpp"
#include "lib/oci/registry_client.hpp"
#include "lib/oci/transport.hpp"

namespace portcullis::oci {

/// The target of the first link with rel=next in a Link header (RFC 8288). Pure.
std::optional<std::string> next_link(std::string_view header);

/// The tag under which registries without the referrers API keep the list: "sha256-<hex>".
std::string referrers_tag(std::string_view digest);

struct ReferrersList {
  std::vector<Descriptor> descriptors;
  bool from_tag = false;  ///< The host has no referrers API, but the fall-back tag.
};

/// Asks one endpoint. `skip_api`: it is known to have no referrers API. Source:
/// distribution-spec 1.1, "Listing Referrers" and "Referrers Tag Schema". Pages are followed on the
/// same origin only, each once, at most 10; more than 256 descriptors is kInvalidArgument.
Result<ReferrersList> list_referrers(Transport& transport, const Endpoint& endpoint,
                                     const std::string& digest, bool skip_api, Deadline deadline);

}  // namespace portcullis::oci
