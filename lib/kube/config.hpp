#pragma once

#include <functional>
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

/// What of the process's surroundings decides; tests set their own.
struct Surroundings {
  std::function<std::optional<std::string>(const std::string& name)> environment;
  /// Where a pod finds its token, ca.crt and namespace.
  std::string service_account_folder = "/var/run/secrets/kubernetes.io/serviceaccount";
};
/// The real ones.
Surroundings process_surroundings();

/// kNotFound: nothing is configured (the message says what was looked for). kInvalidArgument: a
/// file is malformed, or uses what we do not support (exec, auth-provider, username, as, proxy-url;
/// the message names the field). Server, CA, client certificate, token (each as data or as a file,
/// relative to the kubeconfig's own folder), tls-server-name, insecure-skip-tls-verify and the
/// context's namespace are supported.
Result<Config> load_config(const ConfigSource& source,
                           const Surroundings& surroundings = process_surroundings());

}  // namespace portcullis::kube
