#include "webhook/options.hpp"

#include <CLI/CLI.hpp>

#include "lib/base/version.hpp"

namespace portcullis::webhook {

std::variant<Options, int> parse_options(int argc, char** argv) {
  Options options;
  std::string level = "info";
  std::string format = "json";
  std::size_t delay_seconds = 0;
  CLI::App app(
      "portcullis-webhook: refuses, at admission, pods whose images nobody trusted has signed and "
      "scanned.");
  app.set_version_flag("--version", "portcullis-webhook " + version_text());
  app.add_option("--kubeconfig", options.kubeconfig,
                 "Kubeconfig file; else $KUBECONFIG, in-cluster, ~/.kube/config");
  app.add_option("--context", options.context, "Context of the kubeconfig");
  app.add_option("--namespace", options.name_space, "Our own namespace")->envname("POD_NAMESPACE");
  app.add_option("--address", options.address, "Address to serve on")->capture_default_str();
  app.add_option("--port", options.port, "HTTPS port of the webhook")->capture_default_str();
  app.add_option("--metrics-port", options.metrics_port,
                 "Plain HTTP port of /metrics, /healthz, /readyz")
      ->capture_default_str();
  app.add_option("--service-name", options.service_name,
                 "Service through which the API server calls")
      ->capture_default_str();
  app.add_option("--ca-secret", options.ca_secret, "Secret with the CA that the operator keeps")
      ->capture_default_str();
  app.add_option("--registries", options.registries_file,
                 "File that says how registries are reached (reloaded when it changes)");
  app.add_option("--workers", options.workers, "Threads that judge; 0: twice the processors")
      ->capture_default_str();
  app.add_option("--shutdown-delay", delay_seconds, "Seconds to go on serving after SIGTERM")
      ->check(CLI::Range(0, 300))
      ->capture_default_str();
  app.add_option("--log-level", level, "debug, info, warning or error")->capture_default_str();
  app.add_option("--log-format", format, "json or text")->capture_default_str();
  app.parse_complete_callback([&] {
    const auto parsed_level = log::parse_level(level);
    if (!parsed_level) throw CLI::ValidationError("--log-level", parsed_level.error().message());
    const auto parsed_format = log::parse_format(format);
    if (!parsed_format) throw CLI::ValidationError("--log-format", parsed_format.error().message());
    options.log_level = *parsed_level;
    options.log_format = *parsed_format;
    options.shutdown_delay = std::chrono::seconds(delay_seconds);
  });
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& end) {
    return app.exit(end) == 0 ? 0 : 3;
  }
  return options;
}

}  // namespace portcullis::webhook
