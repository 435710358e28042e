#pragma once

#include <chrono>
#include <iosfwd>
#include <string>
#include <vector>

#include "lib/evidence/gatherer.hpp"
#include "lib/policy/policy_set.hpp"

namespace portcullis::cli {

/// How a run ends (design §5).
enum ExitCode : int { kAllowed = 0, kDenied = 1, kUndecided = 2, kUsage = 3 };

/// `portcullis verify IMAGE --key FILE`: is there a signature (and, if asked, a scan) of this key?
struct VerifyOptions {
  std::string image;
  std::string key_file;
  std::vector<std::string> evidence{"Signature"};  ///< "Signature", "Scan"
  std::string max_age;                             ///< Of a scan; "" for any.
  std::string registries_file;
  std::string docker_config;  ///< "" for ~/.docker/config.json, if it is there.
  std::chrono::seconds timeout{30};
};

/// Asks the registry, judges by the webhook's own code, writes what came of it to `out`, and what
/// went wrong to `err`.
ExitCode run_verify(const VerifyOptions& options, std::ostream& out, std::ostream& err);

/// The judging part: facts from `gatherer`, verdict by policy. Files have been read into `key_pem`.
ExitCode verify_image(const VerifyOptions& options, const std::string& key_pem,
                      std::shared_ptr<const oci::Keychain> keychain, evidence::Gatherer& gatherer,
                      const Clock& clock, std::ostream& out, std::ostream& err);

}  // namespace portcullis::cli
