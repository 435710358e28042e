#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lib/base/result.hpp"
#include "lib/http/server.hpp"
#include "lib/metrics/registry.hpp"

namespace portcullis::kube {

/// One condition of readiness: its name, and why it does not hold ("" when it does).
struct ReadinessCheck {
  std::string name;
  std::function<std::string()> why_not;
};

/// Answers the kubelet and Prometheus over plain HTTP: /healthz says the process serves, /readyz
/// that every check holds (with ?verbose, each one), /metrics the registry. Pure but for the
/// checks.
http::Response answer_probe(const http::Request& request, const std::vector<ReadinessCheck>& checks,
                            const metrics::Registry& registry);

/// The server for it, started. `registry` must outlive it; `checks` are called on its workers.
Result<std::unique_ptr<http::Server>> serve_probes(const std::string& address, std::uint16_t port,
                                                   std::vector<ReadinessCheck> checks,
                                                   const metrics::Registry& registry);

}  // namespace portcullis::kube
