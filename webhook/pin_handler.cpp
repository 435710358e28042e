#include "webhook/pin_handler.hpp"

#include "lib/base/log.hpp"
#include "webhook/workload_handler.hpp"

namespace portcullis::webhook {

std::string to_json_pointer(std::string_view field_path) {
  std::string pointer = "/";
  for (const char c : field_path) {
    if (c == '.' || c == '[') {
      pointer += '/';
    } else if (c != ']') {
      pointer += c;
    }
  }
  return pointer;
}

Result<std::vector<admission::Replacement>> PinHandler::pins(const api::AdmissionRequest& request,
                                                             Deadline deadline) {
  const auto pod = TRY(api::parse_pod_template(request.kind, *request.object));
  const auto binding = TRY(binder_.bind(request.key.name_space, pod.labels, deadline));
  const auto policies = policies_.get();
  std::vector<admission::Replacement> replacements;
  if (!binding.bound() || !policies) return replacements;
  if (binding.requirements.images.tags == api::TagRule::kDeny) return replacements;

  auto images = pod.images;
  if (request.operation == api::Operation::kUpdate && request.old_object) {
    const auto before = TRY(api::parse_pod_template(request.kind, *request.old_object));
    const auto bound_before = TRY(select_workloads(binding.in_namespace, before.labels));
    // Bound now and not before: all of it counts as new, as in the validating webhook.
    if (!bound_before.empty()) images = changed_images(before, pod);
  }
  std::set<std::string> declared;
  for (const auto& workload : binding.workloads) {
    declared.insert(workload->value->image_pull_secrets.begin(),
                    workload->value->image_pull_secrets.end());
  }
  const auto credentials =
      pull_secrets_.read(request.key.name_space, declared, pod.service_account_name, {}, deadline);
  for (const auto& image : images) {
    const auto reference = oci::parse_reference(image.reference);
    if (!reference || reference->digest) continue;
    if (policies->select(reference->name(), binding.profile_name).empty()) continue;
    const auto digest = gatherer_.resolve(*reference, credentials.keychain, deadline);
    if (!digest) {
      log::info("could not pin", {{"image", image.reference}, {"error", digest.error()}});
      continue;
    }
    replacements.push_back({to_json_pointer(image.path), oci::pin(image.reference, *digest)});
  }
  return replacements;
}

Result<admission::Answer> PinHandler::handle(const api::AdmissionRequest& request,
                                             Deadline deadline) {
  admission::Answer answer{
      policy::Verdict::allow({.policy = "builtin/pin", .authority = "pinning never denies"}),
      {},
      {},
      {}};
  if (!request.object) return answer;
  // Whatever keeps us from pinning is judged, and told, by the validating webhook.
  if (auto replacements = pins(request, deadline)) {
    answer.replacements = std::move(*replacements);
  } else {
    log::info("could not pin", {{"uid", request.uid}, {"error", replacements.error()}});
  }
  return answer;
}

}  // namespace portcullis::webhook
