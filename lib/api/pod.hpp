#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lib/api/meta.hpp"
#include "lib/base/result.hpp"
#include "lib/codec/json_fwd.hpp"

namespace portcullis::api {

/// What a reference in a pod is used for. The field decides, never a declaration: what runs is an
/// image, what is only mounted is a model.
enum class ImageUse { kContainer, kInitContainer, kEphemeralContainer, kVolume };

struct ImageField {
  std::string path;       ///< "spec.containers[0].image", or below "spec.template." in controllers.
  std::string reference;  ///< As written.
  ImageUse use = ImageUse::kContainer;
  auto operator<=>(const ImageField&) const = default;
};

/// A pod, or the pod template of a controller, as far as it is judged.
struct PodTemplate {
  std::string path;  ///< Path of the template in its object: "" for a pod, "spec.template" …
  Labels labels;
  std::vector<ImageField> images;  ///< In field order: init, containers, ephemeral, volumes.
  std::string service_account_name;
  std::vector<std::string> image_pull_secrets;
  std::vector<std::string>
      secret_names;  ///< Secrets used anywhere: volumes, projected, env, envFrom.
  Labels node_selector;
  std::string runtime_class_name;
  std::string node_name;
  bool is_mirror = false;  ///< kubernetes.io/config.mirror annotation
};

/// Reads the pod template of a Pod, ReplicationController, ReplicaSet, Deployment, StatefulSet,
/// DaemonSet, Job or CronJob. kInvalidArgument: another kind, or a shape that the API server would
/// not have let through (such as an image field that is no string).
Result<PodTemplate> parse_pod_template(std::string_view kind, const codec::Json& object);

/// A pod in the operator's store: what binding and finalizers need to know.
struct PodInfo {
  ObjectMeta meta;
  std::string phase;
};
Result<PodInfo> parse_pod_info(const codec::Json& object);

}  // namespace portcullis::api
