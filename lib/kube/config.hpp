#pragma once

#include <optional>
#include <string>

#include "lib/base/result.hpp"
#include "lib/http/kube_transport.hpp"

namespace portcullis::kube {

/// Where to find the cluster, in the order of kubectl: an explicit kubeconfig, $KUBECONFIG (a list,
/// merged, first wins), in-cluster, ~/.kube/config.
struct ConfigSource {
  std::string kubeconfig;  ///< --kubeconfig; empty: not given.
  std::string context;     ///< --context; empty: current-context.
};

struct Config {
  http::KubeEndpoint endpoint;
  std::string name_space;  ///< In-cluster: our own; kubeconfig: the context's, "default" if none.
  std::string origin;      ///< "in-cluster" or the file, for messages.
};

/// kNotFound: nothing is configured (the message says what was looked for). kInvalidArgument: a file
/// is malformed, or uses what we do not support (exec, auth-provider; the message names the field).
Result<Config> load_config(const ConfigSource& source);

}  // namespace portcullis::kube
