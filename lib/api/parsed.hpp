#pragma once

#include <memory>

#include "lib/api/meta.hpp"
#include "lib/base/result.hpp"
#include "lib/codec/json_fwd.hpp"

namespace portcullis::api {

/// An object of the cluster as a store keeps it: its metadata, and its content or why that could
/// not be read. An object that cannot be read must not vanish: whoever meets it cannot decide.
template <typename T>
struct Parsed {
  ObjectMeta meta;
  Result<T> value;
};

/// For kube::StoreSink: keeps every object, readable or not.
template <typename T>
std::shared_ptr<const Parsed<T>> keep(const codec::Json& object,
                                      Result<T> (*parse)(const codec::Json&)) {
  return std::make_shared<const Parsed<T>>(Parsed<T>{parse_meta(object), parse(object)});
}

}  // namespace portcullis::api
