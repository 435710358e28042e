#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "lib/base/log.hpp"

namespace portcullis::webhook {

/// The command line of portcullis-webhook; --help describes each.
struct Options {
  std::string kubeconfig, context;
  std::string name_space;
  std::string address = "0.0.0.0";
  std::uint16_t port = 10250;
  std::uint16_t metrics_port = 8080;
  std::string service_name = "portcullis-webhook";
  std::string ca_secret = "portcullis-webhook-ca";
  std::string registries_file;
  std::size_t workers = 0;  ///< 0: twice the processors.
  std::chrono::seconds shutdown_delay{0};
  log::Level log_level = log::Level::kInfo;
  log::Format log_format = log::Format::kJson;
};

/// The options, or the exit code of a run that ends here (--help, --version, a usage error); then
/// the text has been printed.
std::variant<Options, int> parse_options(int argc, char** argv);

}  // namespace portcullis::webhook
