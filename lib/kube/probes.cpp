#include "lib/kube/probes.hpp"

namespace portcullis::kube {
namespace {

http::Response text(int status, std::string body,
                    std::string content_type = "text/plain; charset=utf-8") {
  return {status, {{"Content-Type", std::move(content_type)}}, std::move(body)};
}

http::Response readiness(const std::vector<ReadinessCheck>& checks, bool verbose) {
  std::string listing;
  bool ready = true;
  for (const auto& check : checks) {
    const auto why_not = check.why_not();
    ready = ready && why_not.empty();
    if (why_not.empty()) {
      listing += "[+]" + check.name + " ok\n";
    } else {
      listing += "[-]" + check.name + " " + why_not + "\n";
    }
  }
  if (ready) return text(200, verbose ? listing + "ready\n" : "ok\n");
  return text(503, listing + "not ready\n");
}

}  // namespace

http::Response answer_probe(const http::Request& request, const std::vector<ReadinessCheck>& checks,
                            const metrics::Registry& registry) {
  const auto path = http::path_of(request.target);
  if (path == "/healthz" || path == "/livez") return text(200, "ok\n");
  if (path == "/readyz") {
    return readiness(checks, request.target.find("verbose") != std::string::npos);
  }
  if (path == "/metrics") {
    return text(200, registry.expose(), "text/plain; version=0.0.4; charset=utf-8");
  }
  return text(404, "here are /healthz, /readyz and /metrics\n");
}

Result<std::unique_ptr<http::Server>> serve_probes(const std::string& address, std::uint16_t port,
                                                   std::vector<ReadinessCheck> checks,
                                                   const metrics::Registry& registry) {
  http::ServerOptions options;
  options.address = address;
  options.port = port;
  options.workers = 1;
  options.max_connections = 64;
  auto server = TRY(
      http::Server::create(options, http::Server::Security::kPlain,
                           [checks = std::move(checks), &registry](const http::Request& request) {
                             return answer_probe(request, checks, registry);
                           }));
  server->start();
  return server;
}

}  // namespace portcullis::kube
