#include "lib/codec/json.hpp"
#include "lib/codec/yaml.hpp"
#include "tests/fuzz/property.hpp"

using namespace portcullis;

// What is accepted is within the limits and is JSON: it comes back from its JSON text.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  codec::YamlLimits limits;
  limits.max_nodes = 10'000;
  limits.max_bytes = 1U << 16;
  const auto documents = codec::parse_yaml(fuzz::as_text(data, size), limits);
  if (!documents) return 0;

  codec::JsonLimits json_limits;
  json_limits.max_depth = limits.max_depth;
  for (const auto& document : *documents) {
    const auto again = codec::parse_json(codec::dump_json(document), json_limits);
    fuzz::require(again && *again == document);
  }
  return 0;
}
