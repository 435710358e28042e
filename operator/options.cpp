#include "operator/options.hpp"

#include <CLI/CLI.hpp>

#include "lib/base/version.hpp"
#include "lib/policy/cidr.hpp"

namespace portcullis::controller {
namespace {

/// "key=value"; empty when it is not of that form.
std::optional<std::pair<std::string, std::string>> parse_pair(const std::string& text) {
  const auto equals = text.find('=');
  if (equals == std::string::npos || equals == 0) return std::nullopt;
  return std::pair(text.substr(0, equals), text.substr(equals + 1));
}

/// The words of the command line that need more than a type.
struct Words {
  std::string level = "info";
  std::string format = "json";
  std::vector<std::string> dns_selector;
  std::size_t finalizer_seconds = 600;
};

void finish(const Words& words, Options& options) {
  const auto level = log::parse_level(words.level);
  if (!level) throw CLI::ValidationError("--log-level", level.error().message());
  const auto format = log::parse_format(words.format);
  if (!format) throw CLI::ValidationError("--log-format", format.error().message());
  options.log_level = *level;
  options.log_format = *format;
  options.finalizer_timeout = std::chrono::seconds(words.finalizer_seconds);
  if (!words.dns_selector.empty()) options.dns.selector.clear();
  for (const auto& word : words.dns_selector) {
    const auto pair = parse_pair(word);
    if (!pair) throw CLI::ValidationError("--dns-selector", "\"" + word + "\": write key=value");
    options.dns.selector.insert(*pair);
  }
  for (const auto& text : options.dns.cidrs) {
    const auto cidr = policy::Cidr::parse(text);
    if (!cidr) throw CLI::ValidationError("--dns-address", cidr.error().message());
  }
}

}  // namespace

std::variant<Options, int> parse_options(int argc, char** argv) {
  Options options;
  Words words;
  CLI::App app("portcullis-operator: keeps around each AIWorkload's pods what it declares.");
  app.set_version_flag("--version", "portcullis-operator " + version_text());
  app.add_option("--kubeconfig", options.kubeconfig,
                 "Kubeconfig file; else $KUBECONFIG, in-cluster, ~/.kube/config");
  app.add_option("--context", options.context, "Context of the kubeconfig");
  app.add_option("--namespace", options.name_space, "Our own namespace")->envname("POD_NAMESPACE");
  app.add_option("--address", options.address, "Address to serve on")->capture_default_str();
  app.add_option("--metrics-port", options.metrics_port,
                 "Plain HTTP port of /metrics, /healthz, /readyz")
      ->capture_default_str();
  app.add_option("--webhook-service", options.webhook_service,
                 "Service of the webhook, which the CA vouches for")
      ->capture_default_str();
  app.add_option("--ca-secret", options.ca_secret, "Secret in which the webhook's CA is kept")
      ->capture_default_str();
  app.add_option("--validating-webhook-configuration", options.validating_configuration,
                 "Configuration whose caBundle is kept")
      ->capture_default_str();
  app.add_option("--mutating-webhook-configuration", options.mutating_configuration,
                 "Configuration whose caBundle is kept")
      ->capture_default_str();
  app.add_option("--dns-namespace", options.dns.name_space, "Namespace of the cluster's DNS pods")
      ->capture_default_str();
  app.add_option("--dns-selector", words.dns_selector,
                 "Label of the cluster's DNS pods, key=value (repeatable)");
  app.add_option("--dns-address", options.dns.cidrs,
                 "Range of a node-local DNS cache, such as 169.254.20.10/32 (repeatable)");
  app.add_option("--finalizer-timeout", words.finalizer_seconds,
                 "Seconds that a deleted AIWorkload waits for its pods")
      ->check(CLI::Range(0, 86'400))
      ->capture_default_str();
  app.add_option("--workers", options.workers, "AIWorkloads reconciled at once")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  app.add_option("--log-level", words.level, "debug, info, warning or error")
      ->capture_default_str();
  app.add_option("--log-format", words.format, "json or text")->capture_default_str();
  app.parse_complete_callback([&] { finish(words, options); });
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& end) {
    return app.exit(end) == 0 ? 0 : 3;
  }
  return options;
}

}  // namespace portcullis::controller
