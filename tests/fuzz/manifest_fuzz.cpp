#include "lib/oci/auth.hpp"
#include "lib/oci/referrers.hpp"
#include "lib/oci/registry_client.hpp"
#include "lib/oci/url.hpp"
#include "tests/fuzz/property.hpp"

using namespace portcullis;
using namespace portcullis::oci;

// Everything that a registry sends us and that we read: manifests, challenges, tokens, links, URLs.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::as_text(data, size);
  for (const std::string_view type : {"", "application/vnd.oci.image.index.v1+json"}) {
    const auto manifest = parse_manifest(text, type);
    if (!manifest) continue;
    fuzz::require(manifest->is_index ? manifest->layers.empty() : manifest->manifests.empty());
  }
  fuzz::require(parse_challenges(text).size() <= 8);
  const auto token = parse_token(text);
  fuzz::require(!token || token->value.find_first_of("\r\n") == std::string::npos);
  const auto base = parse_url("https://registry.example.com/v2/app/referrers/x");
  if (const auto link = next_link(text)) (void)resolve_url(*base, *link);
  const auto url = parse_url(text);
  if (url) {
    const auto again = parse_url(url->to_string());
    fuzz::require(again && again->to_string() == url->to_string());
  }
  return 0;
}
