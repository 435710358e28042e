#include <CLI/CLI.hpp>
#include <iostream>

#include "cli/verify_command.hpp"
#include "lib/base/log.hpp"
#include "lib/base/version.hpp"

int main(int argc, char** argv) {
  using namespace portcullis;
  log::configure(log::Level::kWarning, log::Format::kText);
  CLI::App app("portcullis: the webhook's judgement, on the command line.");
  app.require_subcommand(1);
  app.set_version_flag("--version", "portcullis " + version_text());
  app.add_subcommand("version", "Tell version and commit")->callback([] {
    std::cout << "portcullis " << version_text() << "\n";
  });

  cli::VerifyOptions options;
  std::size_t timeout_seconds = 30;
  auto* verify =
      app.add_subcommand("verify", "Verify an image's signature, and its scan, by a public key");
  verify->footer(
      "Example:\n  portcullis verify registry.example.com/ml/app:1 --key cosign.pub --evidence "
      "Signature --evidence Scan --max-age 168h\n"
      "Exit codes: 0 verified, 1 refused, 2 could not decide, 3 usage.");
  verify->add_option("image", options.image, "Image reference")->required();
  verify->add_option("--key", options.key_file, "Public key, PEM")->required();
  verify->add_option("--evidence", options.evidence, "Signature or Scan (repeatable)")
      ->capture_default_str();
  verify->add_option("--max-age", options.max_age, "Oldest scan that counts, such as 168h");
  verify->add_option("--registries", options.registries_file,
                     "File that says how registries are reached");
  verify->add_option("--docker-config", options.docker_config,
                     "Credentials; else ~/.docker/config.json");
  verify->add_option("--timeout", timeout_seconds, "Seconds")
      ->check(CLI::Range(1, 600))
      ->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& end) {
    return app.exit(end) == 0 ? cli::kAllowed : cli::kUsage;
  }
  if (!verify->parsed()) return 0;
  options.timeout = std::chrono::seconds(timeout_seconds);
  return cli::run_verify(options, std::cout, std::cerr);
}
