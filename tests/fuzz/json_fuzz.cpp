#include "lib/codec/json.hpp"
#include "tests/fuzz/property.hpp"

using namespace portcullis;

// What is accepted is JSON for the library too, and comes back from its own text; the strict reader
// accepts less, and never another value.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::as_text(data, size);
  codec::JsonLimits strict;
  strict.duplicates = codec::Duplicates::kRefuse;

  const auto value = codec::parse_json(text);
  const auto strictly = codec::parse_json(text, strict);
  if (value) {
    fuzz::require(codec::Json::accept(text));
    fuzz::require(*value == codec::Json::parse(text));
    const auto again = codec::parse_json(codec::dump_json(*value), strict);
    fuzz::require(again && *again == *value);
  }
  if (strictly) fuzz::require(value && *value == *strictly);
  return 0;
}
