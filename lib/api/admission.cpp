#include "lib/api/admission.hpp"

#include "lib/api/field.hpp"

namespace portcullis::api {
namespace {

constexpr Word<Operation> kOperations[] = {{Operation::kCreate, "CREATE"},
                                           {Operation::kUpdate, "UPDATE"},
                                           {Operation::kDelete, "DELETE"},
                                           {Operation::kConnect, "CONNECT"}};

Result<std::vector<std::string>> parse_texts(const Field& field) {
  std::vector<std::string> out;
  for (const auto& item : TRY(field.elements())) out.push_back(TRY(item.text_or_empty()));
  return out;
}

Result<UserInfo> parse_user(const codec::Json& request, const Field& field) {
  UserInfo user;
  user.username = TRY(field.at("username").text_or_empty());
  user.uid = TRY(field.at("uid").text_or_empty());
  user.groups = TRY(parse_texts(field.at("groups")));
  const auto extra = field.at("extra");
  TRY_VOID(extra.expect_object());
  if (!extra.present()) return user;
  for (const auto& [key, values] : codec::find_path(request, {"userInfo", "extra"})->items()) {
    user.extra[key] = TRY(parse_texts(Field(values, extra.path() + "." + key)));
  }
  return user;
}

/// The object as its own value: it outlives the review, in work that goes on after the answer.
std::shared_ptr<const codec::Json> share(const codec::Json& request, std::string_view key) {
  const auto* object = codec::find(request, key);
  if (object == nullptr || object->is_null()) return nullptr;
  return std::make_shared<const codec::Json>(*object);
}

Result<void> expect_objects(const Field& request, Operation operation) {
  const bool creates = operation == Operation::kCreate || operation == Operation::kUpdate;
  for (const auto* key : {"object", "oldObject"}) TRY_VOID(request.at(key).expect_object());
  if (creates && !request.at("object").present()) return request.at("object").error("is required");
  if (operation == Operation::kUpdate && !request.at("oldObject").present()) {
    return request.at("oldObject").error("is required for UPDATE");
  }
  return {};
}

}  // namespace

std::string_view to_string(Operation operation) { return word_of(kOperations, operation); }

std::string review_uid(const codec::Json& review) {
  const auto* request = codec::find(review, "request");
  return request == nullptr ? std::string() : codec::string_or_empty(*request, "uid");
}

Result<AdmissionRequest> parse_admission_review(const codec::Json& review) {
  const Field root(review, "");
  const auto api_version = TRY(root.at("apiVersion").text_or_empty());
  const auto review_kind = TRY(root.at("kind").text_or_empty());
  if (api_version != "admission.k8s.io/v1" || review_kind != "AdmissionReview") {
    return Error(ErrorCode::kInvalidArgument,
                 "apiVersion, kind: must be admission.k8s.io/v1, AdmissionReview");
  }
  const auto request = root.at("request");
  AdmissionRequest out;
  out.uid = TRY(request.at("uid").required_text());
  const auto kind = request.at("kind");
  out.group = TRY(kind.at("group").text_or_empty());
  out.version = TRY(kind.at("version").text_or_empty());
  out.kind = TRY(kind.at("kind").required_text());
  out.resource = TRY(request.at("resource").at("resource").required_text());
  out.subresource = TRY(request.at("subResource").text_or_empty());
  out.key.name_space = TRY(request.at("namespace").text_or_empty());
  out.key.name = TRY(request.at("name").text_or_empty());
  out.operation = TRY(request.at("operation").required_word(kOperations));
  const auto& value = *codec::find(review, "request");
  out.user = TRY(parse_user(value, request.at("userInfo")));
  out.dry_run = TRY(request.at("dryRun").boolean()).value_or(false);
  TRY_VOID(expect_objects(request, out.operation));
  out.object = share(value, "object");
  out.old_object = share(value, "oldObject");
  return out;
}

}  // namespace portcullis::api
