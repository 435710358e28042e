#include "lib/api/pod.hpp"

#include <algorithm>

#include "lib/api/field.hpp"

namespace portcullis::api {
namespace {

constexpr const char* kMirrorAnnotation = "kubernetes.io/config.mirror";

/// Where the pod template of each kind is; "" is the object itself.
struct TemplateKind {
  std::string_view kind;
  std::vector<std::string_view> steps;
};
const std::vector<TemplateKind>& template_kinds() {
  static const std::vector<TemplateKind> kKinds = {
      {"Pod", {}},
      {"ReplicationController", {"spec", "template"}},
      {"ReplicaSet", {"spec", "template"}},
      {"Deployment", {"spec", "template"}},
      {"StatefulSet", {"spec", "template"}},
      {"DaemonSet", {"spec", "template"}},
      {"Job", {"spec", "template"}},
      {"CronJob", {"spec", "jobTemplate", "spec", "template"}},
  };
  return kKinds;
}

/// The lists of a pod's spec whose elements hold an `image`, in the order of PodTemplate::images.
struct ContainerList {
  std::string_view name;
  ImageUse use;
};
constexpr ContainerList kContainerLists[] = {
    {"initContainers", ImageUse::kInitContainer},
    {"containers", ImageUse::kContainer},
    {"ephemeralContainers", ImageUse::kEphemeralContainer},
};

/// Volume sources that name a Secret, and the members that lead to its name (core/v1 VolumeSource).
struct SecretVolume {
  std::string_view source;
  std::string_view reference;  ///< "" when `name` is a member of the source itself.
  std::string_view name;
};
constexpr SecretVolume kSecretVolumes[] = {
    {"secret", "", "secretName"},
    {"azureFile", "", "secretName"},
    {"cephfs", "secretRef", "name"},
    {"cinder", "secretRef", "name"},
    {"csi", "nodePublishSecretRef", "name"},
    {"flexVolume", "secretRef", "name"},
    {"iscsi", "secretRef", "name"},
    {"rbd", "secretRef", "name"},
    {"scaleIO", "secretRef", "name"},
    {"storageos", "secretRef", "name"},
};

Result<void> add_name(const Field& field, std::vector<std::string>& names) {
  auto name = TRY(field.text_or_empty());
  if (!name.empty() && std::ranges::find(names, name) == names.end()) {
    names.push_back(std::move(name));
  }
  return {};
}

Result<void> read_environment(const Field& container, PodTemplate& out) {
  for (const auto& variable : TRY(container.at("env").elements())) {
    const auto reference = variable.at("valueFrom").at("secretKeyRef");
    TRY_VOID(add_name(reference.at("name"), out.secret_names));
  }
  for (const auto& source : TRY(container.at("envFrom").elements())) {
    TRY_VOID(add_name(source.at("secretRef").at("name"), out.secret_names));
  }
  return {};
}

Result<void> read_container(const Field& container, ImageUse use, PodTemplate& out) {
  const auto image = container.at("image");
  auto reference = TRY(image.required_text());
  out.images.push_back({image.path(), std::move(reference), use});
  return read_environment(container, out);
}

Result<void> read_containers(const Field& spec, PodTemplate& out) {
  for (const auto& [list, use] : kContainerLists) {
    const auto containers = TRY(spec.at(list).elements());
    for (const auto& container : containers) TRY_VOID(read_container(container, use, out));
  }
  return {};
}

Result<void> read_volume(const Field& volume, PodTemplate& out) {
  const auto image = volume.at("image");
  if (image.present()) {
    const auto reference = image.at("reference");
    auto written = TRY(reference.text_or_empty());
    // A controller's template may leave the reference to a later hand; a pod may not.
    if (written.empty() && out.path.empty()) return reference.error("is required");
    if (!written.empty()) {
      out.images.push_back({reference.path(), std::move(written), ImageUse::kVolume});
    }
  }
  for (const auto& [source, reference, name] : kSecretVolumes) {
    const auto holder = reference.empty() ? volume.at(source) : volume.at(source).at(reference);
    TRY_VOID(add_name(holder.at(name), out.secret_names));
  }
  for (const auto& source : TRY(volume.at("projected").at("sources").elements())) {
    TRY_VOID(add_name(source.at("secret").at("name"), out.secret_names));
  }
  return {};
}

/// A later Kubernetes may let images run from a list that this version has never heard of: what
/// cannot be judged must not pass unseen.
Result<void> refuse_unknown_containers(const codec::Json& spec, const Field& field) {
  for (const auto& [key, value] : spec.items()) {
    const auto known =
        key == "volumes" ||
        std::ranges::find(kContainerLists, key, &ContainerList::name) != std::end(kContainerLists);
    const auto holds_image = [](const codec::Json& item) {
      return codec::find(item, "image") != nullptr;
    };
    if (known || !value.is_array() || std::ranges::none_of(value, holds_image)) continue;
    return field.at(key).error(
        "holds images, but this version of Portcullis does not know it; upgrade Portcullis before "
        "using this field");
  }
  return {};
}

Result<void> read_spec(const Field& spec, PodTemplate& out) {
  TRY_VOID(read_containers(spec, out));
  for (const auto& volume : TRY(spec.at("volumes").elements())) TRY_VOID(read_volume(volume, out));
  for (const auto& secret : TRY(spec.at("imagePullSecrets").elements())) {
    TRY_VOID(add_name(secret.at("name"), out.image_pull_secrets));
  }
  out.service_account_name = TRY(spec.at("serviceAccountName").text_or_empty());
  if (out.service_account_name.empty()) {
    out.service_account_name = TRY(spec.at("serviceAccount").text_or_empty());
  }
  out.node_selector = TRY(spec.at("nodeSelector").labels());
  out.runtime_class_name = TRY(spec.at("runtimeClassName").text_or_empty());
  out.node_name = TRY(spec.at("nodeName").text_or_empty());
  return {};
}

}  // namespace

Result<PodTemplate> parse_pod_template(std::string_view kind, const codec::Json& object) {
  const auto found = std::ranges::find(template_kinds(), kind, &TemplateKind::kind);
  if (found == template_kinds().end()) {
    return Error(ErrorCode::kInvalidArgument,
                 "kind \"" + std::string(kind) + "\" has no pod template");
  }
  PodTemplate out;
  const codec::Json* place = &object;
  for (const auto step : found->steps) {
    out.path += (out.path.empty() ? "" : ".") + std::string(step);
    place = place == nullptr ? nullptr : codec::find(*place, step);
  }
  if (place == nullptr || !place->is_object()) {
    return Error(ErrorCode::kInvalidArgument, out.path + ": is required");
  }
  const auto spec = Field(*place, out.path).at("spec");
  TRY_VOID(spec.expect_object());
  if (!spec.present()) return spec.error("is required");

  auto meta = parse_meta(*place);
  out.labels = std::move(meta.labels);
  out.is_mirror = meta.annotations.contains(kMirrorAnnotation);
  TRY_VOID(read_spec(spec, out));
  TRY_VOID(refuse_unknown_containers(*codec::find(*place, "spec"), spec));
  return out;
}

Result<PodInfo> parse_pod_info(const codec::Json& object) {
  PodInfo out;
  out.meta = parse_meta(object);
  if (out.meta.key.name.empty()) {
    return Error(ErrorCode::kInvalidArgument, "metadata.name: is required");
  }
  const auto* status = codec::find(object, "status");
  if (status != nullptr) out.phase = codec::string_or_empty(*status, "phase");
  return out;
}

}  // namespace portcullis::api
