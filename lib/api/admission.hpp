#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lib/api/meta.hpp"
#include "lib/base/result.hpp"
#include "lib/codec/json_fwd.hpp"

namespace portcullis::api {

enum class Operation { kCreate, kUpdate, kDelete, kConnect };

struct UserInfo {
  std::string username;
  std::string uid;
  std::vector<std::string> groups;
  std::map<std::string, std::vector<std::string>> extra;
};

/// admission.k8s.io/v1 AdmissionRequest. Immutable; shared by the stages of one decision.
struct AdmissionRequest {
  std::string uid;
  std::string group, version, kind;   ///< Of request.kind.
  std::string resource, subresource;  ///< Of request.resource: "pods", "ephemeralcontainers".
  ObjectKey key;                      ///< The name is empty for CREATE with generateName.
  Operation operation = Operation::kCreate;
  UserInfo user;
  bool dry_run = false;
  std::shared_ptr<const codec::Json> object;      ///< Null where the operation has none.
  std::shared_ptr<const codec::Json> old_object;  ///< Null on CREATE.
};

/// Reads an AdmissionReview. kInvalidArgument: not admission.k8s.io/v1, no uid, or a member of a
/// wrong type. The uid of what could be read is not lost: see review_uid().
Result<AdmissionRequest> parse_admission_review(const codec::Json& review);
/// request.uid if it is there, else "".
std::string review_uid(const codec::Json& review);

std::string_view to_string(Operation operation);

}  // namespace portcullis::api
