#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "lib/admission/handler.hpp"
#include "lib/http/message.hpp"
#include "lib/metrics/registry.hpp"

namespace portcullis::admission {

/// HTTP request in, AdmissionReview out: checks method and content type, decodes the review, takes
/// the deadline from ?timeout= (less a margin), guards the handler, and answers HTTP 200 whatever
/// happened, since any other status hands the decision to failurePolicy. Only a body that is no
/// review at all (no uid to answer to) is 400. Any thread.
class Endpoint {
 public:
  /// `handler` and `registry` must outlive the endpoint. `name`: the `webhook` label of the
  /// metrics.
  Endpoint(std::string name, Handler& handler, metrics::Registry& registry);

  http::Response answer(const http::Request& request) const;

 private:
  Result<Answer> decide(const codec::Json& review, Deadline deadline) const;
  metrics::Counter count(std::string_view outcome) const;

  std::string name_;
  Handler& handler_;
  metrics::Registry& registry_;
};

/// The time the handler may take when the API server waits `timeout_query` ("10s"; "" or
/// unreadable: 10 s): less one second and a tenth, as the server rounds up and the answer must
/// travel. Pure.
std::chrono::milliseconds budget_of(std::string_view timeout_query);

}  // namespace portcullis::admission
