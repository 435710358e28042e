#include "lib/verify/claim.hpp"

namespace portcullis::verify {

std::string_view to_string(Check check) {
  switch (check) {
    case Check::kStructure:
      return "structure";
    case Check::kMaterial:
      return "material";
    case Check::kAlgorithm:
      return "algorithm";
    case Check::kSignature:
      return "signature";
    case Check::kPayloadType:
      return "payload type";
    case Check::kStatement:
      return "statement";
    case Check::kSubject:
      return "subject";
  }
  return "unknown";
}

}  // namespace portcullis::verify
