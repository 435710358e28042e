#include "lib/base/version.hpp"

namespace portcullis {

// Both are defined by lib/base/CMakeLists.txt for this file only, so that a commit rebuilds one object.
std::string version_text() {
  return std::string(PORTCULLIS_VERSION) + " (commit " + PORTCULLIS_COMMIT + ")";
}

std::string release() { return PORTCULLIS_VERSION; }

}  // namespace portcullis
