#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/api/requirements.hpp"

/// Requirements as a flat list of set fields, for saying where each comes from and what an edit
/// lowers. Internal to this folder.
namespace portcullis::policy {

/// ("images.evidence[Scan].failOn[Critical].after", a text equal for equal values), in field order.
using FieldValues = std::vector<std::pair<std::string, std::string>>;
FieldValues field_values(const api::Requirements& requirements);

/// The value of a field; empty when it is not set.
std::optional<std::string_view> find_value(const FieldValues& values, std::string_view field);

/// The same requirements with every `failOn` closed upwards: a limit for High holds for Critical
/// too, so it is written there. Judging is the same before and after.
api::Requirements closed(api::Requirements requirements);

}  // namespace portcullis::policy
