#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/clock.hpp"
#include "lib/base/result.hpp"
#include "lib/codec/json_fwd.hpp"

namespace portcullis::api {

/// The API group of our kinds, and prefix of our labels and annotations.
inline constexpr const char* kGroup = "portcullis.dev";
inline constexpr const char* kGroupVersion = "portcullis.dev/v1alpha1";
/// The admin's word: this label on a namespace switches protection on and names the profile.
inline constexpr const char* kProfileLabel = "portcullis.dev/profile";
/// On objects that the operator made: the AIWorkload they belong to.
inline constexpr const char* kWorkloadLabel = "portcullis.dev/workload";
inline constexpr const char* kFieldManager = "portcullis-operator";
inline constexpr const char* kFinalizer = "portcullis.dev/isolation";

/// Names one object of a kind. `name_space` is empty for cluster-scoped kinds.
struct ObjectKey {
  std::string name_space;
  std::string name;
  auto operator<=>(const ObjectKey&) const = default;
};
std::string to_string(const ObjectKey& key);  ///< "namespace/name", or "name".

using Labels = std::map<std::string, std::string, std::less<>>;

struct OwnerReference {
  std::string api_version;
  std::string kind;
  std::string name;
  std::string uid;
  bool controller = false;
};

/// metav1.ObjectMeta, as far as we read it. managedFields never get here.
struct ObjectMeta {
  ObjectKey key;
  std::string uid;
  std::string resource_version;
  std::int64_t generation = 0;
  Labels labels;
  Labels annotations;
  std::vector<std::string> finalizers;
  std::vector<OwnerReference> owner_references;
  std::optional<Time> creation_time;
  std::optional<Time> deletion_time;
};

/// Reads `object.metadata`. Fields of a wrong type are as absent: the API server has checked them.
ObjectMeta parse_meta(const codec::Json& object);

/// metav1.Condition. `status` is "True", "False" or "Unknown".
struct Condition {
  std::string type;
  std::string status;
  std::string reason;
  std::string message;
  std::int64_t observed_generation = 0;
  std::optional<Time> last_transition_time;
  bool operator==(const Condition&) const = default;
};
Condition parse_condition(const codec::Json& condition);
codec::Json to_json(const Condition& condition);

/// True when every pair of `selector` is in `labels`. An empty selector matches nothing here.
bool matches(const Labels& selector, const Labels& labels);

}  // namespace portcullis::api
