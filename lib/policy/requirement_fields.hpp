#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "lib/api/requirements.hpp"

/// Walks the fields of Requirements. Join, sources, lowering and the property tests all walk here,
/// so that none of them can miss a field: a member that is added to one of these structs does not
/// compile until it has a name below, and a type of member without a rule for joining does not
/// compile in requirements.cpp. Internal to this folder and its tests.
namespace portcullis::policy {

/// The names of a struct's members in the YAML, in order. Types without names are leaves.
template <typename T>
struct FieldNames;
template <>
struct FieldNames<api::Requirements> {
  static constexpr std::array<std::string_view, 8> kValue = {
      "mode",        "declare",  "images",         "models",
      "podSecurity", "sessions", "secrets.maxAge", "network"};
};
template <>
struct FieldNames<api::ImageRequirements> {
  static constexpr std::array<std::string_view, 2> kValue = {"tags", "evidence"};
};
template <>
struct FieldNames<api::ModelRequirements> {
  static constexpr std::array<std::string_view, 3> kValue = {"undeclared", "unverifiable",
                                                             "evidence"};
};
template <>
struct FieldNames<api::PodSecurityRequirements> {
  static constexpr std::array<std::string_view, 4> kValue = {"level", "readOnlyRootFilesystem",
                                                             "apiToken", "runtimeClassNames"};
};
template <>
struct FieldNames<api::NetworkRequirements> {
  static constexpr std::array<std::string_view, 3> kValue = {"isolation", "publicEgress",
                                                             "foreignPolicies"};
};
template <>
struct FieldNames<api::EvidenceRequirement> {
  static constexpr std::array<std::string_view, 5> kValue = {"type", "minAuthorities", "maxAge",
                                                             "failOn", "unfixed"};
};

template <typename T>
concept Named = requires {
  FieldNames<std::remove_const_t<T>>::kValue;
};

/// The members of `value` as a tuple of references. A structured binding must name every member, so
/// this does not compile when the number of names is not the number of members.
template <Named T>
constexpr auto members(T& value) {
  constexpr auto kCount = FieldNames<std::remove_const_t<T>>::kValue.size();
  if constexpr (kCount == 2) {
    auto& [a, b] = value;
    return std::tie(a, b);
  } else if constexpr (kCount == 3) {
    auto& [a, b, c] = value;
    return std::tie(a, b, c);
  } else if constexpr (kCount == 4) {
    auto& [a, b, c, d] = value;
    return std::tie(a, b, c, d);
  } else if constexpr (kCount == 5) {
    auto& [a, b, c, d, e] = value;
    return std::tie(a, b, c, d, e);
  } else {
    static_assert(kCount == 8, "add a case for this number of members");
    auto& [a, b, c, d, e, f, g, h] = value;
    return std::tie(a, b, c, d, e, f, g, h);
  }
}

inline std::string member_path(const std::string& path, std::string_view name) {
  return (path.empty() ? path : path + ".") + std::string(name);
}

/// Calls `visit(path, first.field, more.field…)` for every leaf field, in order: the same field of
/// several values side by side.
template <typename F, typename T, typename... More>
void for_each_field(const F& visit, const std::string& path, T& first, More&... more) {
  if constexpr (Named<T>) {
    using Names = FieldNames<std::remove_const_t<T>>;
    // Two packs cannot be expanded side by side, so each index has its own call.
    const auto step = [&visit, &path, &first, &more...](auto index) {
      for_each_field(visit, member_path(path, Names::kValue[index]),
                     std::get<index>(members(first)), std::get<index>(members(more))...);
    };
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      (step(std::integral_constant<std::size_t, I>()), ...);
    }
    (std::make_index_sequence<Names::kValue.size()>());
  } else {
    visit(path, first, more...);
  }
}

}  // namespace portcullis::policy
