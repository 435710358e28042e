#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "lib/base/result.hpp"
#include "lib/codec/json_fwd.hpp"

/// YAML as kubectl reads it: YAML 1.2 core types (`yes` and `on` are text, `0o14` is a number),
/// many documents in one stream, `<<` merges, read into JSON values. What kubectl's reader would
/// take for another number (0644: octal there, decimal in YAML 1.2) is refused. For our own files,
/// kubeconfig and the command line only; never for bytes that a tenant sends over the network.
/// Pure; any thread.
namespace portcullis::codec {

struct YamlLimits {
  std::size_t max_bytes = 16U << 20;  ///< Of the text; and of what aliases and anchors repeat.
  int max_depth = 64;
  std::size_t max_nodes = 1'000'000;  ///< After aliases are expanded: the "billion laughs" bound.
};

/// Every document of the stream, empty ones left out. kInvalidArgument with line and column.
/// Duplicate keys are refused (kubectl's strict reader does the same), and so are custom tags,
/// numbers that JSON has not (.inf, .nan), and keys that are null or collections.
Result<std::vector<Json>> parse_yaml(std::string_view text, const YamlLimits& limits = {});

}  // namespace portcullis::codec
