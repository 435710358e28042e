#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "lib/base/result.hpp"
#include "lib/codec/json_fwd.hpp"

/// How YAML 1.2's core schema reads one scalar (section 10.3.2). Part of yaml.cpp; pure.
namespace portcullis::codec {

/// A tag as the YAML parser names it: "?" for a plain scalar, "!" for a quoted one, or in full
/// ("tag:yaml.org,2002:int"). kInvalidArgument, without a position, when the text is not what the
/// tag says, when JSON has no such number, or when the tag is none of str, int, float, bool, null.
Result<Json> resolve_scalar(std::string_view tag, const std::string& text);

}  // namespace portcullis::codec
