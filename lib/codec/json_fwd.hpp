#pragma once

#include <nlohmann/json_fwd.hpp>

namespace portcullis::codec {

/// A JSON value. Headers include this file; sources that look inside include lib/codec/json.hpp.
using Json = nlohmann::json;

}  // namespace portcullis::codec
