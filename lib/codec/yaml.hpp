#pragma once

#include <string_view>
#include <vector>

#include "lib/base/result.hpp"
#include "lib/codec/json_fwd.hpp"

/// YAML as kubectl reads it: YAML 1.2 core types (`yes` and `on` are text, `0o14` is a number), many
/// documents in one stream, merged into JSON values. For our own files, kubeconfig and the command
/// line only; never for bytes that a tenant sends over the network. Pure; any thread.
namespace portcullis::codec {

struct YamlLimits {
  std::size_t max_bytes = 16U << 20;
  int max_depth = 64;
  std::size_t max_nodes = 1'000'000;  ///< After aliases are expanded: the "billion laughs" bound.
};

/// Every document of the stream, empty ones left out. kInvalidArgument with line and column.
/// Duplicate keys are refused (kubectl's strict reader does the same).
Result<std::vector<Json>> parse_yaml(std::string_view text, const YamlLimits& limits = {});

}  // namespace portcullis::codec
