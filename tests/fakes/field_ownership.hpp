#pragma once

#include <map>
#include <string>
#include <vector>

#include "lib/codec/json.hpp"

namespace portcullis::testing {

/// One field of an object, as server-side apply counts fields: a scalar, a whole list, or one
/// element of a list that is a set or a map (finalizers, conditions, ownerReferences).
struct OwnedField {
  codec::Json::json_pointer path;
  std::string element;  ///< The element's key; empty: the whole field.
  codec::Json value;
};
/// Fields by a name that is theirs alone.
using Fields = std::map<std::string, OwnedField>;
/// Fields by manager.
using FieldOwners = std::map<std::string, Fields>;

/// Every field of the intent, but apiVersion, kind and the metadata that the server keeps.
Fields fields_of(const codec::Json& intent);

/// The object without the field, or with it.
void erase_field(codec::Json& object, const OwnedField& field);
void set_field(codec::Json& object, const OwnedField& field);
/// The field's value in the object; null when it is not there.
codec::Json field_value(const codec::Json& object, const OwnedField& field);

/// Managers other than `manager` that own a field of `wanted` with another value than wanted:
/// "manager: /spec/x".
std::vector<std::string> conflicts(const codec::Json& object, const FieldOwners& owners,
                                   const std::string& manager, const Fields& wanted);

/// Server-side apply: sets what is wanted, removes what `manager` owned and no longer wants (unless
/// somebody else owns it too), and keeps `owners` right.
void apply_fields(codec::Json& object, FieldOwners& owners, const std::string& manager,
                  Fields wanted);

/// After a write that was no apply: who owned a field that has another value now owns it no more.
void drop_changed(const codec::Json& object, FieldOwners& owners);

}  // namespace portcullis::testing
