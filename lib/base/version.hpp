#pragma once

#include <string>

namespace portcullis {

/// "0.1.0 (commit 1a2b3c4d)": the release, and the commit it was built from ("unknown" outside a
/// git checkout, "-dirty" behind it where files differ).
std::string version_text();

/// The release alone, "0.1.0".
std::string release();

}  // namespace portcullis
