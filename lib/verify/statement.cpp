#include "lib/verify/statement.hpp"

#include <algorithm>
#include <utility>

#include "lib/codec/json.hpp"
#include "lib/crypto/digest.hpp"
#include "lib/verify/fields.hpp"

namespace portcullis::verify {
namespace {

constexpr std::string_view kInTotoPayloadType = "application/vnd.in-toto+json";
constexpr std::string_view kStatementV01 = "https://in-toto.io/Statement/v0.1";
constexpr std::string_view kStatementV1 = "https://in-toto.io/Statement/v1";
constexpr std::size_t kMaxSubjects = 1024;
constexpr std::size_t kMaxDigestsOfSubject = 32;

Error invalid(std::string message) { return {ErrorCode::kInvalidArgument, std::move(message)}; }

// The subject's sha256 digest, or "" when it has only others. A subject without any digest names
// nothing, and what names nothing could be read as naming everything.
Result<std::string> sha256_of(const codec::Json& subject) {
  const codec::Json* digests = codec::find(subject, "digest");
  if (digests == nullptr || !digests->is_object() || digests->empty()) {
    return invalid("a subject of the statement has no digest");
  }
  if (digests->size() > kMaxDigestsOfSubject) {
    return invalid("a subject of the statement has more than 32 digests");
  }
  std::string sha256;
  for (auto digest = digests->begin(); digest != digests->end(); ++digest) {
    if (!digest->is_string()) return invalid("a digest in the statement is not text");
    if (digest.key() == "sha256") sha256 = "sha256:" + digest->get_ref<const std::string&>();
  }
  return sha256;
}

Result<std::vector<std::string>> parse_subjects(const codec::Json& statement) {
  const codec::Json* list = codec::find(statement, "subject");
  if (list == nullptr || !list->is_array() || list->empty()) {
    return invalid("the statement names no subject");
  }
  if (list->size() > kMaxSubjects) return invalid("the statement names more than 1024 subjects");
  std::vector<std::string> subjects;
  for (const auto& subject : *list) {
    auto digest = TRY(sha256_of(subject));
    if (crypto::is_sha256_digest(digest)) subjects.push_back(std::move(digest));
  }
  return subjects;
}

}  // namespace

Result<Statement> parse_statement(std::string_view payload) {
  auto value = TRY(with_context(parse_evidence(payload), "the statement"));
  if (!value.is_object()) return invalid("the statement is not a JSON object");
  const std::string type = codec::string_or_empty(value, "_type");
  if (type != kStatementV01 && type != kStatementV1) {
    return invalid("the payload is of type " + shown(type) +
                   ", not an in-toto Statement v0.1 or v1");
  }
  Statement statement;
  statement.predicate_type = codec::string_or_empty(value, "predicateType");
  if (statement.predicate_type.empty()) return invalid("the statement has no predicateType");
  statement.subjects = TRY(parse_subjects(value));
  const auto predicate = value.find("predicate");
  statement.predicate = std::make_shared<const codec::Json>(
      predicate == value.end() ? codec::Json() : std::move(*predicate));
  return statement;
}

Rejected wrong_signature(const crypto::PublicKey& key) {
  return {Check::kSignature, "the signature was not made by the authority's key (sha256:" +
                                 key.fingerprint().substr(0, 16) +
                                 "...), or what it signs was changed; sign with that key"};
}

Rejected wrong_subject(const std::vector<std::string>& found,
                       const std::vector<std::string>& subjects) {
  const std::string wanted = subjects.empty() ? "the image" : subjects.front();
  if (found.empty()) {
    return {Check::kSubject, "it names no sha256 digest; sign the image by digest, " + wanted};
  }
  return {Check::kSubject,
          "it is about " + shown(found.front()) + ", not about " + wanted + "; sign that digest"};
}

Verification verify_envelope(const Envelope& envelope, const crypto::PublicKey& key,
                             crypto::Hash hash, const Candidate& candidate,
                             const std::vector<std::string>& subjects) {
  if (!key.verify(pae(envelope.payload_type, envelope.payload), envelope.signature, hash)) {
    return wrong_signature(key);
  }
  if (envelope.payload_type != kInTotoPayloadType) {
    return Rejected{Check::kPayloadType, "the signed payload is of type " +
                                             shown(envelope.payload_type) + ", not " +
                                             std::string(kInTotoPayloadType)};
  }
  auto statement = parse_statement(envelope.payload);
  if (!statement) return Rejected{Check::kStatement, statement.error().message()};
  const auto named = [&](const std::string& digest) {
    return std::find(statement->subjects.begin(), statement->subjects.end(), digest) !=
           statement->subjects.end();
  };
  const auto subject = std::find_if(subjects.begin(), subjects.end(), named);
  if (subject == subjects.end()) return wrong_subject(statement->subjects, subjects);
  return Claim{.kind = statement->predicate_type == kCosignSignPredicate ? ClaimKind::kSignature
                                                                         : ClaimKind::kAttestation,
               .subject_digest = *subject,
               .predicate_type = std::move(statement->predicate_type),
               .predicate = std::move(statement->predicate),
               .verified_times = {},
               .format = candidate.format,
               .evidence_digest = candidate.digest};
}

}  // namespace portcullis::verify
