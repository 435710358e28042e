#pragma once

#include <string>
#include <vector>

#include "lib/base/result.hpp"
#include "lib/codec/json.hpp"
#include "lib/kube/config.hpp"

/// kubeconfig files; internal to lib/kube.
namespace portcullis::kube {

/// Several kubeconfig files as kubectl merges them: the first that names a cluster, user, context
/// or the current context counts. Paths inside are made absolute by their own file's folder.
class Kubeconfig {
 public:
  /// Adds what the file says where nothing said it before. `path` names the file in messages.
  Result<void> merge(const std::string& path, const std::string& text);

  /// The context's cluster, user and namespace; `context` empty: the current one.
  Result<Config> resolve(const std::string& context) const;

 private:
  struct Entry {
    std::string name;
    std::string path;
    codec::Json body;
  };
  using Entries = std::vector<Entry>;

  static Result<void> merge_list(Entries& into, const codec::Json& file, const char* list,
                                 const char* member, const std::string& path);
  static Result<const Entry*> find(const Entries& entries, const std::string& name,
                                   const std::string& what);

  Entries clusters_;
  Entries users_;
  Entries contexts_;
  std::string current_context_;
  std::vector<std::string> paths_;
};

/// The whole file. kNotFound when it is not there, kInvalidArgument when it cannot be read.
Result<std::string> read_file(const std::string& path);

}  // namespace portcullis::kube
