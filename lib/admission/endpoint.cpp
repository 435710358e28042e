#include "lib/admission/endpoint.hpp"

#include <algorithm>
#include <exception>

#include "lib/base/log.hpp"
#include "lib/codec/encoding.hpp"
#include "lib/codec/json.hpp"

namespace portcullis::admission {
namespace {

using std::chrono::milliseconds;

/// The API server's own default where ?timeout= is missing (admissionregistration.k8s.io/v1).
constexpr milliseconds kDefaultTimeout{10'000};
constexpr milliseconds kLongestTimeout{30'000};
/// The server rounds ?timeout= up to whole seconds, so one of them may not be ours to spend.
constexpr milliseconds kRounding{1'000};
constexpr milliseconds kTravel{100};
constexpr milliseconds kShortestBudget{200};

http::Response plain(int status, std::string text) {
  return {status, {{"Content-Type", "text/plain; charset=utf-8"}}, std::move(text)};
}

bool is_json(std::string_view content_type) {
  return content_type.substr(0, content_type.find(';')) == "application/json";
}

std::string_view outcome_of(const Result<Answer>& decision) {
  if (!decision) return decision.error().code() == ErrorCode::kInternal ? "broken" : "undecided";
  if (decision->verdict.allowed()) return "allowed";
  const auto& violations = decision->verdict.violations();
  const bool refused =
      std::ranges::any_of(violations, [](const auto& v) { return !v.could_not_decide; });
  return refused ? "refused" : "undecided";
}

}  // namespace

milliseconds budget_of(std::string_view timeout_query) {
  auto timeout = kDefaultTimeout;
  if (const auto asked = codec::parse_duration(timeout_query)) timeout = *asked;
  timeout = std::clamp(timeout, milliseconds::zero(), kLongestTimeout);
  return std::max(timeout - kRounding - kTravel, kShortestBudget);
}

Endpoint::Endpoint(std::string name, Handler& handler, metrics::Registry& registry)
    : name_(std::move(name)), handler_(handler), registry_(registry) {
  for (const auto* outcome : {"allowed", "refused", "undecided", "broken"}) count(outcome);
}

metrics::Counter Endpoint::count(std::string_view outcome) const {
  return registry_.counter(
      "portcullis_admission_decisions_total",
      "Admission requests by what was decided; undecided and broken ones were refused.",
      {{"webhook", name_}, {"decision", std::string(outcome)}});
}

Result<Answer> Endpoint::decide(const codec::Json& review, Deadline deadline) const {
  try {
    const auto request = api::parse_admission_review(review);
    if (!request) {
      return Error(ErrorCode::kInternal, "admission review: " + request.error().message());
    }
    return handler_.handle(*request, deadline);
  } catch (const std::exception& bug) {
    registry_
        .counter("controller_runtime_webhook_panics_total", "Handlers that threw.",
                 {{"webhook", name_}})
        .add();
    log::error("admission handler threw", {{"webhook", name_}, {"error", bug.what()}});
    return Error(ErrorCode::kInternal, "portcullis failed while judging this request");
  }
}

http::Response Endpoint::answer(const http::Request& request) const {
  if (request.method != "POST") return plain(405, "admission reviews are sent by POST\n");
  const auto content_type = request.headers.find("Content-Type");
  if (content_type == request.headers.end() || !is_json(content_type->second)) {
    return plain(415, "admission reviews are application/json\n");
  }
  const auto deadline = Deadline::after(budget_of(http::query_value(request.target, "timeout")));
  const auto started = std::chrono::steady_clock::now();

  const auto review = codec::parse_json(request.body);
  if (!review) return plain(400, review.error().message() + "\n");
  const auto uid = api::review_uid(*review);
  if (uid.empty()) return plain(400, "not an admission review: request.uid is missing\n");

  const auto decision = decide(*review, deadline);
  count(outcome_of(decision)).add();
  registry_
      .histogram("controller_runtime_webhook_latency_seconds", "Time taken by admission requests.",
                 {{"webhook", name_}})
      .observe(std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count());
  if (!decision)
    log::warning("could not decide",
                 {{"webhook", name_}, {"uid", uid}, {"error", decision.error()}});
  return {200, {{"Content-Type", "application/json"}}, codec::dump_json(to_review(uid, decision))};
}

}  // namespace portcullis::admission
