#include "lib/oci/reference.hpp"
#include "tests/fuzz/property.hpp"

using namespace portcullis;
using namespace portcullis::oci;

// What parses is normal: it parses again, to the same, and pinning it keeps its name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::as_text(data, size);
  const auto reference = parse_reference(text);
  if (!reference) return 0;
  fuzz::require(!reference->host.empty() && !reference->repository.empty());
  fuzz::require(reference->tag || reference->digest);
  const auto pinned = parse_reference(pin(text, "sha256:" + std::string(64, '0')));
  fuzz::require(pinned && pinned->name() == reference->name() && pinned->digest);
  // A host without a dot, a port or the word localhost is a host only by its upper case.
  const bool survives =
      reference->host == "localhost" || reference->host.find_first_of(".:") != std::string::npos;
  if (survives) {
    const auto again = parse_reference(reference->to_string());
    fuzz::require(again && *again == *reference);
  }
  return 0;
}
