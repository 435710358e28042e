#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "lib/base/clock.hpp"
#include "lib/base/guarded.hpp"
#include "lib/base/result.hpp"
#include "lib/http/kube_transport.hpp"

namespace portcullis::http {

/// The token and the CA of a KubeEndpoint, read again when the kubelet may have rotated them (the
/// intervals are client-go's: transport/token_source.go, transport/ca_rotation.go). A file that has
/// become unreadable or empty, or a CA that does not parse, is logged and the last one kept.
/// Internal to lib/http. Any thread.
class KubeCredentials {
 public:
  /// Reads both files. kInvalidArgument when one cannot be read or is empty. `clock` must outlive
  /// it.
  static Result<std::unique_ptr<KubeCredentials>> create(const KubeEndpoint& endpoint,
                                                         const Clock& clock);

  /// The bearer token as of this minute, "" when there is none.
  std::string token();

  /// The server said 401: reads the file at once. True when there is another token to try.
  bool reload_token();

  /// The CA bundle as of the last five minutes; the same pointer as long as it has not changed.
  std::shared_ptr<const std::string> ca();

 private:
  struct Watched {
    std::string path;  ///< "": the content is constant.
    std::chrono::seconds interval;
    std::shared_ptr<const std::string> content;
    std::chrono::steady_clock::time_point next_read;
  };
  using Check = Result<std::string> (*)(std::string);

  explicit KubeCredentials(const Clock& clock) : clock_(clock) {}
  std::shared_ptr<const std::string> current(Guarded<Watched>& watched, Check check);
  void reload(Guarded<Watched>& watched, Check check);

  const Clock& clock_;
  Guarded<Watched> token_;
  Guarded<Watched> ca_;
};

}  // namespace portcullis::http
