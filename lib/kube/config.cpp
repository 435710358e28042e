#include "lib/kube/config.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>
#include <vector>

#include "lib/kube/kubeconfig.hpp"

namespace portcullis::kube {
namespace {

std::string variable(const Surroundings& surroundings, const std::string& name) {
  return surroundings.environment(name).value_or("");
}

std::string trimmed(std::string text) {
  const auto blank = " \t\r\n";
  const auto last = text.find_last_not_of(blank);
  if (last == std::string::npos) return "";
  text.erase(last + 1);
  return text.substr(text.find_first_not_of(blank));
}

std::vector<std::string> split_paths(const std::string& list) {
  std::vector<std::string> out;
  std::size_t from = 0;
  while (from <= list.size()) {
    const auto end = std::min(list.find(':', from), list.size());
    if (end > from) out.push_back(list.substr(from, end - from));
    from = end + 1;
  }
  return out;
}

Result<Config> from_file(const std::string& path, const std::string& context) {
  Kubeconfig kubeconfig;
  const auto text = TRY(read_file(path));
  TRY_VOID(kubeconfig.merge(path, text));
  return kubeconfig.resolve(context);
}

/// $KUBECONFIG: files of the list that are not there are left out, as kubectl does.
Result<Config> from_list(const std::string& list, const std::string& context) {
  Kubeconfig kubeconfig;
  bool any = false;
  for (const auto& path : split_paths(list)) {
    const auto text = read_file(path);
    if (!text && text.error().code() == ErrorCode::kNotFound) continue;
    if (!text) return text.error();
    TRY_VOID(kubeconfig.merge(path, *text));
    any = true;
  }
  if (!any) return Error(ErrorCode::kNotFound, "no file of $KUBECONFIG (" + list + ") exists");
  return kubeconfig.resolve(context);
}

Result<Config> in_cluster(const Surroundings& surroundings, const std::string& host) {
  const auto port = variable(surroundings, "KUBERNETES_SERVICE_PORT");
  const auto& folder = surroundings.service_account_folder;
  const auto name_space = read_file(folder + "/namespace");
  if (port.empty() || !name_space || !read_file(folder + "/token")) {
    return Error(ErrorCode::kNotFound,
                 "this looks like a pod (KUBERNETES_SERVICE_HOST is set), but " + folder +
                     " holds no token and namespace; set automountServiceAccountToken: true");
  }
  const bool ipv6 = host.find(':') != std::string::npos;
  Config out;
  out.endpoint.url = "https://" + (ipv6 ? "[" + host + "]" : host) + ":" + port;
  out.endpoint.ca_file = folder + "/ca.crt";
  out.endpoint.token_file = folder + "/token";
  out.name_space = trimmed(*name_space);
  out.origin = "in-cluster";
  return out;
}

}  // namespace

Surroundings process_surroundings() {
  Surroundings out;
  out.environment = [](const std::string& name) -> std::optional<std::string> {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing here ever sets a variable
    const char* value = std::getenv(name.c_str());
    if (!value) return std::nullopt;
    return value;
  };
  return out;
}

Result<Config> load_config(const ConfigSource& source, const Surroundings& surroundings) {
  if (!source.kubeconfig.empty()) return from_file(source.kubeconfig, source.context);
  if (const auto list = variable(surroundings, "KUBECONFIG"); !list.empty()) {
    return from_list(list, source.context);
  }
  if (const auto host = variable(surroundings, "KUBERNETES_SERVICE_HOST"); !host.empty()) {
    return in_cluster(surroundings, host);
  }
  const auto home = variable(surroundings, "HOME");
  const auto file = home + "/.kube/config";
  auto config = from_file(file, source.context);
  if (!config && config.error().code() == ErrorCode::kNotFound) {
    return Error(ErrorCode::kNotFound,
                 "no cluster is configured: no --kubeconfig, no $KUBECONFIG, "
                 "not in a pod, and " +
                     file + " does not exist");
  }
  return config;
}

}  // namespace portcullis::kube
