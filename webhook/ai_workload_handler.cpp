#include "webhook/ai_workload_handler.hpp"

#include <algorithm>

#include "lib/codec/json.hpp"
#include "lib/oci/reference.hpp"
#include "lib/policy/cidr.hpp"

namespace portcullis::webhook {
namespace {

policy::Violation wrong(std::string field, std::string cause, std::string remedy) {
  return {.field = std::move(field),
          .policy = "builtin/aiworkload",
          .check = "Workload",
          .cause = std::move(cause),
          .remedy = std::move(remedy)};
}

std::string at(std::string_view list, std::size_t index) {
  return std::string(list) + "[" + std::to_string(index) + "]";
}

/// Calls `use(field path, peer)` for every peer of the rules.
template <typename F>
void for_each_peer(const std::vector<api::NetworkRule>& rules, std::string_view list,
                   std::string_view peers, F&& use) {
  for (std::size_t rule = 0; rule < rules.size(); ++rule) {
    for (std::size_t peer = 0; peer < rules[rule].peers.size(); ++peer) {
      use(at(at(list, rule) + "." + std::string(peers), peer), rules[rule].peers[peer]);
    }
  }
}

void check_ranges(const std::vector<api::NetworkRule>& rules, std::string_view list,
                  std::string_view peers, std::vector<policy::Violation>& violations) {
  for_each_peer(rules, list, peers, [&](const std::string& field, const api::NetworkPeer& peer) {
    if (!peer.cidr) return;
    const auto range = policy::Cidr::parse(*peer.cidr);
    if (!range) {
      violations.push_back(wrong(field + ".cidr", range.error().message(), "correct the range"));
    } else if (policy::is_metadata(*range)) {
      violations.push_back(wrong(
          field + ".cidr", *peer.cidr + " holds cloud metadata addresses, which serve credentials",
          "remove this peer"));
    }
  });
}

/// The author edits only what is ours to keep: finalizers and labels come and go.
bool spec_unchanged(const api::AdmissionRequest& request) {
  if (!request.old_object) return false;
  const auto* before = codec::find(*request.old_object, "spec");
  const auto* now = codec::find(*request.object, "spec");
  return before != nullptr && now != nullptr && *before == *now;
}

policy::Violation unlabelled(const api::ObjectKey& key) {
  return wrong("metadata.namespace",
               "namespace " + key.name_space + " is not protected: it carries no label " +
                   api::kProfileLabel + ", so nothing would be enforced",
               "run: kubectl label namespace " + key.name_space + " " + api::kProfileLabel +
                   "=default (or =audit: only reported)");
}

}  // namespace

std::vector<policy::Violation> check_workload(const api::AIWorkload& workload) {
  std::vector<policy::Violation> violations;
  for (std::size_t index = 0; index < workload.models.size(); ++index) {
    const auto& model = workload.models[index];
    if (!model.image_reference) continue;
    if (const auto reference = oci::parse_reference(*model.image_reference); !reference) {
      violations.push_back(wrong(at("spec.models", index) + ".image.reference",
                                 reference.error().message(), "correct the reference"));
    }
  }
  check_ranges(workload.network.ingress, "spec.network.ingress", "from", violations);
  check_ranges(workload.network.egress, "spec.network.egress", "to", violations);
  return violations;
}

std::vector<policy::Violation> check_egress(const api::AIWorkload& workload,
                                            const api::Requirements& requirements) {
  std::vector<policy::Violation> violations;
  if (requirements.network.public_egress != api::AllowDeny::kDeny) return violations;
  for_each_peer(
      workload.network.egress, "spec.network.egress", "to",
      [&](const std::string& field, const api::NetworkPeer& peer) {
        const auto range = peer.cidr ? policy::Cidr::parse(*peer.cidr)
                                     : Result<policy::Cidr>(Error(ErrorCode::kNotFound, ""));
        const bool is_public = peer.internet || (range && !policy::is_private(*range));
        if (!is_public) return;
        violations.push_back(
            wrong(field, "leads to the public internet, which is denied here (publicEgress: Deny)",
                  "name private ranges or namespaces only"));
      });
  return violations;
}

std::vector<policy::Violation> check_overlap(const api::AIWorkload& workload,
                                             const std::vector<Workload>& others) {
  std::vector<policy::Violation> violations;
  for (const auto& other : others) {
    if (!other->value || other->meta.key == workload.meta.key) continue;
    const bool differs = std::ranges::any_of(workload.selector, [&](const auto& pair) {
      const auto theirs = other->value->selector.find(pair.first);
      return theirs != other->value->selector.end() && theirs->second != pair.second;
    });
    if (differs) continue;
    violations.push_back(
        wrong("spec.selector.matchLabels",
              "a pod could be selected by AIWorkload " + other->meta.key.name + " too",
              "give both selectors a common key with different values"));
  }
  return violations;
}

Result<admission::Answer> AIWorkloadHandler::handle(const api::AdmissionRequest& request,
                                                    Deadline deadline) {
  if (!request.object)
    return Error(ErrorCode::kInternal, "an AIWorkload is judged on CREATE and UPDATE");
  const policy::Evidence fine{.policy = "builtin/aiworkload", .authority = "valid"};
  if (spec_unchanged(request)) return admission::Answer{policy::Verdict::allow(fine), {}, {}, {}};

  const auto parsed = api::parse_ai_workload(*request.object);
  if (!parsed) {
    return admission::Answer{
        policy::Verdict::deny(wrong("spec", parsed.error().message(), "correct the field")),
        {},
        {},
        {}};
  }
  const auto profile_name = TRY(binder_.profile_of(request.key.name_space, deadline));
  if (profile_name.empty()) {
    return admission::Answer{policy::Verdict::deny(unlabelled(request.key)), {}, {}, {}};
  }
  admission::Answer answer{policy::Verdict::allow(fine), {}, {}, {}};
  auto violations = check_workload(*parsed);
  std::ranges::move(check_overlap(*parsed, stores_.workloads.list(request.key.name_space)),
                    std::back_inserter(violations));
  const auto profile = stores_.profiles.get({"", profile_name});
  if (profile && profile->value) {
    const auto effective = policy::effective(*profile->value, *parsed);
    std::ranges::move(check_egress(*parsed, effective.requirements),
                      std::back_inserter(violations));
  } else {
    answer.warnings.push_back("profile " + profile_name +
                              " does not exist or is invalid: pods will be refused until it does");
  }
  if (request.old_object) {
    if (const auto before = api::parse_ai_workload(*request.old_object)) {
      for (const auto& field : policy::lowered(before->requirements, parsed->requirements)) {
        answer.warnings.push_back("spec.requirements." + field + " is lowered by this change");
      }
    }
  }
  answer.verdict = policy::Verdict::of({fine}, std::move(violations));
  return answer;
}

}  // namespace portcullis::webhook
