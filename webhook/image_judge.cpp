#include "webhook/image_judge.hpp"

#include <algorithm>
#include <set>

namespace portcullis::webhook {

/// One image on its way through the judge.
struct ImageJudge::Subject {
  api::ImageField image;
  oci::Reference reference;
  std::vector<const policy::CompiledPolicy*> policies;
  std::vector<api::EvidenceRequirement> required;
  std::optional<policy::ImageFacts> facts;
  policy::ImageVerdict verdict;
};

namespace {

bool is_model(const api::ImageField& image) { return image.use == api::ImageUse::kVolume; }

policy::Violation refused(const api::ImageField& image, std::string check, std::string policy,
                          std::string cause, std::string remedy) {
  return {.field = image.path,
          .image = image.reference,
          .policy = std::move(policy),
          .check = std::move(check),
          .cause = std::move(cause),
          .remedy = std::move(remedy)};
}

/// The rules that need no registry: the reference itself, tags, declared models.
std::optional<policy::Violation> judge_reference(const api::ImageField& image,
                                                 const oci::Reference& reference,
                                                 const Binding& binding) {
  if (binding.requirements.images.tags == api::TagRule::kDeny && !reference.digest) {
    return refused(image, "Tag", "profile " + binding.profile_name,
                   "a tag alone may not be used here (tags: Deny)",
                   "write the reference with its digest, name@sha256:…");
  }
  const bool undeclared_denied =
      binding.requirements.models.undeclared == api::AllowDeny::kDeny && is_model(image);
  if (undeclared_denied && !is_declared_model(reference, binding.workloads)) {
    return refused(image, "Model", "profile " + binding.profile_name,
                   "this model is mounted but not declared",
                   "add it to the AIWorkload's spec.models");
  }
  return std::nullopt;
}

std::set<std::string> declared_pull_secrets(const std::vector<Workload>& workloads) {
  std::set<std::string> names;
  for (const auto& workload : workloads) {
    names.insert(workload->value->image_pull_secrets.begin(),
                 workload->value->image_pull_secrets.end());
  }
  return names;
}

/// The authorities of the policies that count; broken policies have none.
std::vector<const verify::Authority*> authorities_of(
    const std::vector<const policy::CompiledPolicy*>& policies) {
  std::vector<const verify::Authority*> authorities;
  for (const auto* policy : policies) {
    for (const auto& authority : policy->authorities) authorities.push_back(&authority);
  }
  return authorities;
}

void append(ImageFindings& findings, policy::ImageVerdict verdict) {
  const auto move_into = [](auto& to, auto& from) {
    to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
  };
  move_into(findings.evidence, verdict.evidence);
  move_into(findings.violations, verdict.violations);
  move_into(findings.audited, verdict.audited);
}

}  // namespace

std::vector<std::string> platforms_of(
    const std::vector<std::shared_ptr<const api::ObjectMeta>>& nodes,
    const api::Labels& node_selector) {
  std::set<std::string> selected;
  std::set<std::string> all;
  for (const auto& node : nodes) {
    const auto os = node->labels.find("kubernetes.io/os");
    const auto architecture = node->labels.find("kubernetes.io/arch");
    if (os == node->labels.end() || architecture == node->labels.end()) continue;
    const auto platform = os->second + "/" + architecture->second;
    all.insert(platform);
    if (api::matches(node_selector, node->labels)) selected.insert(platform);
  }
  // A selector that no node fits today may fit one tomorrow: then every platform counts.
  const auto& platforms = selected.empty() ? all : selected;
  return {platforms.begin(), platforms.end()};
}

bool is_declared_model(const oci::Reference& reference, const std::vector<Workload>& workloads) {
  return std::ranges::any_of(workloads, [&](const Workload& workload) {
    return std::ranges::any_of(workload->value->models, [&](const api::ModelSource& model) {
      if (!model.image_reference) return false;
      const auto declared = oci::parse_reference(*model.image_reference);
      if (!declared || declared->name() != reference.name()) return false;
      return declared->digest ? declared->digest == reference.digest
                              : !declared->tag || !reference.tag || declared->tag == reference.tag;
    });
  });
}

void ImageJudge::ask(const std::vector<Subject*>& subjects, const api::PodTemplate& pod,
                     const Binding& binding, const Round& round) {
  if (subjects.empty()) return;
  const auto credentials =
      pull_secrets_.read(binding.name_space, declared_pull_secrets(binding.workloads),
                         pod.service_account_name, pod.image_pull_secrets, round.deadline);
  const auto platforms = platforms_of(nodes_.list(), pod.node_selector);
  std::vector<evidence::Question> questions;
  for (const auto* subject : subjects) {
    evidence::Question question;
    question.field = subject->image.path;
    question.written = subject->image.reference;
    question.reference = subject->reference;
    question.authorities = authorities_of(subject->policies);
    for (const auto& required : subject->required) question.required.push_back(required.type);
    question.platforms = platforms;
    question.fresh = round.fresh;
    questions.push_back(std::move(question));
  }
  auto facts = gatherer_.gather(questions, round.policies, credentials.keychain, round.deadline);
  for (std::size_t index = 0; index < subjects.size(); ++index) {
    auto& failure = facts.at(index).failure;
    if (failure && failure->code() == ErrorCode::kPermissionDenied) {
      for (const auto& note : credentials.notes) {
        failure = Error(failure->code(), failure->message() + "; " + note);
      }
    }
    subjects[index]->facts = std::move(facts[index]);
    subjects[index]->verdict = conclude(*subjects[index], round.digests);
  }
}

policy::ImageVerdict ImageJudge::conclude(const Subject& subject, DigestRule digests) const {
  if (digests == DigestRule::kMustBePinned && !subject.reference.digest &&
      !subject.facts->failure) {
    return {{},
            {refused(subject.image, "Tag", "builtin/pin",
                     "the reference has no digest, so what starts could be another image than the "
                     "one judged",
                     "create the pod again; if it stays so, the webhook pins.portcullis.dev does "
                     "not run")},
            {}};
  }
  return policy::evaluate(*subject.facts, subject.policies, subject.required, clock_.now());
}

/// Those that may reach a registry; the rest goes into `findings` at once.
std::vector<ImageJudge::Subject> ImageJudge::choose(const std::vector<api::ImageField>& images,
                                                    const Binding& binding,
                                                    const policy::PolicySet& policies,
                                                    ImageFindings& findings) {
  std::vector<Subject> subjects;
  for (const auto& image : images) {
    const auto reference = oci::parse_reference(image.reference);
    if (!reference) {
      findings.violations.push_back(
          refused(image, "Reference", "builtin/reference", reference.error().message(),
                  "write it as registry/name:tag or registry/name@digest"));
      continue;
    }
    if (auto violation = judge_reference(image, *reference, binding)) {
      findings.violations.push_back(std::move(*violation));
      continue;
    }
    auto selected = policies.select(reference->name(), binding.profile_name);
    if (selected.empty()) {
      findings.violations.push_back(
          policy::no_policy_matches(image.path, image.reference, reference->name()));
      continue;
    }
    const auto& required = is_model(image) ? binding.requirements.models.evidence
                                           : binding.requirements.images.evidence;
    subjects.push_back({image, *reference, std::move(selected), required, std::nullopt, {}});
  }
  return subjects;
}

ImageFindings ImageJudge::judge(const std::vector<api::ImageField>& images,
                                const api::PodTemplate& pod, const Binding& binding,
                                std::shared_ptr<const policy::PolicySet> policies,
                                DigestRule digests, Deadline deadline) {
  ImageFindings findings;
  auto subjects = choose(images, binding, *policies, findings);
  std::vector<Subject*> all;
  for (auto& subject : subjects) all.push_back(&subject);
  ask(all, pod, binding, {policies, digests, deadline, false});

  // A refusal by what was found earlier may be out of date: somebody has just signed or scanned.
  std::vector<Subject*> again;
  for (auto* subject : all) {
    const bool by_evidence = !subject->facts->failure && !subject->verdict.violations.empty();
    if (by_evidence && !deadline.expired()) again.push_back(subject);
  }
  ask(again, pod, binding, {policies, digests, deadline, true});
  for (auto& subject : subjects) append(findings, std::move(subject.verdict));
  return findings;
}

}  // namespace portcullis::webhook
