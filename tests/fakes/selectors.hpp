#pragma once

#include <string>

#include "lib/codec/json.hpp"
#include "lib/http/message.hpp"

namespace portcullis::testing {

/// Whether the request's namespace, labelSelector and fieldSelector take the object in. Null is
/// taken in by nothing.
bool selects(const http::Request& request, const std::string& name_space,
             const codec::Json& object);

/// The object as the request's Accept header wants it: whole, or as PartialObjectMetadata.
codec::Json shown(const http::Request& request, const codec::Json& object);

/// Whether the request asks for PartialObjectMetadata.
bool metadata_only(const http::Request& request);

}  // namespace portcullis::testing
