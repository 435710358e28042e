#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <variant>

#include "lib/base/log.hpp"
#include "operator/network_plan.hpp"

namespace portcullis::controller {

/// The command line of portcullis-operator; --help describes each.
struct Options {
  std::string kubeconfig, context;
  std::string name_space;
  std::string address = "0.0.0.0";
  std::uint16_t metrics_port = 8080;
  std::string webhook_service = "portcullis-webhook";
  std::string ca_secret = "portcullis-webhook-ca";
  std::string validating_configuration = "portcullis";
  std::string mutating_configuration = "portcullis";
  DnsSettings dns;
  std::chrono::seconds finalizer_timeout{600};
  std::size_t workers = 2;
  log::Level log_level = log::Level::kInfo;
  log::Format log_format = log::Format::kJson;
};

/// The options, or the exit code of a run that ends here (--help, --version, a usage error); then
/// the text has been printed.
std::variant<Options, int> parse_options(int argc, char** argv);

}  // namespace portcullis::controller
