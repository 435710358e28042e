#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/api/meta.hpp"
#include "lib/base/deadline.hpp"
#include "lib/base/result.hpp"
#include "lib/codec/json_fwd.hpp"
#include "lib/http/kube_transport.hpp"
#include "lib/kube/resource.hpp"
#include "lib/kube/waiter.hpp"

namespace portcullis::kube {

/// Conditions on a delete: it fails with kConflict when the object is another one by now.
struct Preconditions {
  std::string uid;
  std::string resource_version;
};

/// What an apply does with fields that another manager owns.
enum class Conflicts { kForce, kFail };

struct ApplyOptions {
  std::string field_manager = api::kFieldManager;
  Conflicts conflicts = Conflicts::kForce;
  bool dry_run = false;
};

struct ListOptions {
  std::string name_space;  ///< Empty: all.
  std::string label_selector;
  std::string field_selector;
};

/// Requests to the API server. Every non-2xx answer is decoded as metav1.Status: 400/422
/// kInvalidArgument, 401/403 kPermissionDenied, 404 kNotFound, 409 kConflict (AlreadyExists too),
/// 410 kGone, 429 kResourceExhausted with retry_after, 5xx kUnavailable, 504 kDeadlineExceeded.
/// GETs that fail in transport are tried once more; 429 and 5xx with Retry-After are waited for and
/// repeated at most ten times, and only when the wait ends before the deadline: the total time is
/// always within it. `Warning: 299` headers are logged once each. Any thread. Objects are whole
/// JSON values; managedFields are removed from what is read.
class Client {
 public:
  /// `transport` and `waiter` must outlive the client.
  explicit Client(http::KubeTransport& transport, std::string user_agent,
                  Waiter& waiter = real_waiter());

  Result<codec::Json> get(const Resource& resource, const api::ObjectKey& key, Deadline deadline);

  /// All items, page by page; in one piece when the server forgets the snapshot meanwhile (410).
  Result<std::vector<codec::Json>> list(const Resource& resource, const ListOptions& options,
                                        Deadline deadline);

  /// kInvalidArgument without metadata.name: generateName could make two when repeated.
  Result<codec::Json> create(const Resource& resource, const codec::Json& object,
                             Deadline deadline);

  /// POST to a subresource or to a review kind that is only created: TokenRequest, Eviction,
  /// SubjectAccessReview. `path` comes from path_of().
  Result<codec::Json> post(std::string_view path, const codec::Json& object, Deadline deadline);

  /// Server-side apply of the whole intent. Never sends managedFields, resourceVersion or status.
  Result<codec::Json> apply(const Resource& resource, const codec::Json& object, Deadline deadline,
                            const ApplyOptions& options = {});

  /// The same on the status subresource, with only `status` beside the object's name.
  Result<codec::Json> apply_status(const Resource& resource, const codec::Json& object,
                                   Deadline deadline, const ApplyOptions& options = {});

  /// JSON merge patch (RFC 7386): finalizers and single fields. `patch` may carry
  /// metadata.resourceVersion as a precondition.
  Result<codec::Json> merge_patch(const Resource& resource, const api::ObjectKey& key,
                                  const codec::Json& patch, Deadline deadline);

  /// kNotFound counts as done. Background propagation.
  Result<void> remove(const Resource& resource, const api::ObjectKey& key,
                      const Preconditions& preconditions, Deadline deadline);

  http::KubeTransport& transport() { return transport_; }

 private:
  struct WarningLog;

  Result<http::Response> send(http::Request request, Deadline deadline);
  Result<codec::Json> call(http::Request request, Deadline deadline);
  Result<codec::Json> apply_to(const Resource& resource, const codec::Json& intent,
                               std::string_view subresource, Deadline deadline,
                               const ApplyOptions& options);

  http::KubeTransport& transport_;
  std::string user_agent_;
  Waiter& waiter_;
  std::shared_ptr<WarningLog> warnings_;
};

/// The Error that a non-2xx answer stands for; the message is metav1.Status's. Public for
/// reflector.
Error decode_status(const http::Response& response);

}  // namespace portcullis::kube
