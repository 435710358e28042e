#include "lib/kube/client.hpp"

#include <gmock/gmock.h>

#include "lib/codec/json.hpp"
#include "tests/fakes/fake_api_server.hpp"
#include "tests/fakes/fake_waiter.hpp"

namespace portcullis::kube {
namespace {

using codec::Json;
using std::chrono::seconds;
using ::testing::ElementsAre;
using testing::FakeApiServer;
using testing::FakeClock;
using testing::FakeWaiter;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::status_response;

class ClientTest : public ::testing::Test {
 protected:
  static Json config_map(const std::string& name, const std::string& value) {
    return {{"metadata", {{"namespace", "clinic"}, {"name", name}}}, {"data", {{"key", value}}}};
  }
  static Json workload(const std::string& data) {
    return {{"metadata", {{"namespace", "clinic"}, {"name", "triage"}}},
            {"spec", {{"dataClassification", data}}}};
  }
  static Deadline soon() { return Deadline::after(seconds(30)); }
  const http::Request& last() {
    requests_ = server_.requests();
    return requests_.back();
  }

  FakeClock clock_;
  FakeApiServer server_{clock_};
  FakeWaiter waiter_{clock_};
  Client client_{server_, "portcullis-test/1", waiter_};
  std::vector<http::Request> requests_;
};

TEST_F(ClientTest, GetsAnObjectWithoutItsManagedFields) {
  server_.on("GET", "/configmaps/a", [](const auto&) {
    return testing::json_response(
        200, {{"kind", "ConfigMap"}, {"metadata", {{"name", "a"}, {"managedFields", {1}}}}});
  });
  const auto object = client_.get(kConfigMaps, {"clinic", "a"}, soon());
  ASSERT_TRUE(object);
  EXPECT_EQ(*object, (Json{{"kind", "ConfigMap"}, {"metadata", {{"name", "a"}}}}));
  EXPECT_EQ(last().headers.at("User-Agent"), "portcullis-test/1");
  EXPECT_EQ(last().headers.at("Accept"), "application/json");
}

TEST_F(ClientTest, SaysWhatTheServerSaid) {
  const auto object = client_.get(kConfigMaps, {"clinic", "none"}, soon());
  ASSERT_FALSE(object);
  EXPECT_EQ(object.error().code(), ErrorCode::kNotFound);
  EXPECT_THAT(object.error().message(), HasSubstr("configmaps \"clinic/none\" not found"));
}

TEST_F(ClientTest, ListsPageByPage) {
  for (const char* name : {"a", "b", "c", "d", "e"})
    server_.put(kConfigMaps, config_map(name, "1"));
  server_.put(kConfigMaps, {{"metadata", {{"namespace", "other"}, {"name", "x"}}}});
  server_.set_page_size(2);
  const auto items = client_.list(kConfigMaps, {"clinic", "", ""}, soon());
  ASSERT_TRUE(items);
  ASSERT_EQ(items->size(), 5U);
  EXPECT_EQ((*items)[4]["metadata"]["name"], "e");
  EXPECT_EQ((*items)[4]["kind"], "ConfigMap");
  EXPECT_EQ(server_.requests().size(), 3U);
  EXPECT_THAT(last().target, Not(HasSubstr("resourceVersion")));
}

TEST_F(ClientTest, ListsOnceMoreInOnePieceWhenTheSnapshotIsGone) {
  for (const char* name : {"a", "b", "c"}) server_.put(kConfigMaps, config_map(name, "1"));
  server_.set_page_size(2);
  server_.fail_next("GET", "continue=", status_response(410, "Expired", "too old"));
  const auto items = client_.list(kConfigMaps, {}, soon());
  ASSERT_TRUE(items);
  EXPECT_EQ(items->size(), 3U);
  EXPECT_EQ(server_.requests().size(), 3U);
}

TEST_F(ClientTest, SelectorsAreEncoded) {
  server_.put(kConfigMaps,
              {{"metadata", {{"namespace", "clinic"}, {"name", "a"}, {"labels", {{"app", "x"}}}}}});
  server_.put(kConfigMaps, config_map("b", "1"));
  const auto items = client_.list(kConfigMaps, {"", "app=x", "metadata.name=a"}, soon());
  ASSERT_TRUE(items);
  EXPECT_EQ(items->size(), 1U);
  EXPECT_THAT(last().target, HasSubstr("labelSelector=app%3Dx&fieldSelector=metadata.name%3Da"));
}

TEST_F(ClientTest, CreatesOnce) {
  ASSERT_TRUE(client_.create(kConfigMaps, config_map("a", "1"), soon()));
  EXPECT_THAT(last().target, HasSubstr("fieldValidation=Strict"));
  const auto again = client_.create(kConfigMaps, config_map("a", "2"), soon());
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code(), ErrorCode::kConflict);
  EXPECT_EQ(server_.get(kConfigMaps, {"clinic", "a"})->at("data").at("key"), "1");
}

TEST_F(ClientTest, ApplySendsTheIntentAndNothingThatTheServerKeeps) {
  Json object = workload("Internal");
  object["status"] = {{"x", 1}};
  object["metadata"]["resourceVersion"] = "1";
  object["metadata"]["generation"] = 3;
  object["metadata"]["creationTimestamp"] = nullptr;
  object["metadata"]["managedFields"] = {1};
  ASSERT_TRUE(client_.apply(kAIWorkloads, object, soon()));
  EXPECT_EQ(last().method, "PATCH");
  EXPECT_EQ(last().headers.at("Content-Type"), "application/apply-patch+yaml");
  EXPECT_THAT(last().target, HasSubstr("?fieldManager=portcullis-operator"));
  EXPECT_THAT(last().target, HasSubstr("&force=true"));
  EXPECT_EQ(Json::parse(last().body),
            (Json{{"apiVersion", "portcullis.dev/v1alpha1"},
                  {"kind", "AIWorkload"},
                  {"metadata", {{"namespace", "clinic"}, {"name", "triage"}}},
                  {"spec", {{"dataClassification", "Internal"}}}}));
}

TEST_F(ClientTest, ApplyWithoutForceTellsWhoOwnsTheField) {
  server_.put(kAIWorkloads, workload("Internal"));
  const auto refused = client_.apply(kAIWorkloads, workload("Restricted"), soon(),
                                     {"portcullis-operator", Conflicts::kFail, false});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kConflict);
  EXPECT_THAT(refused.error().message(), HasSubstr("other"));
}

TEST_F(ClientTest, ADryRunChangesNothing) {
  const auto object =
      client_.apply(kAIWorkloads, workload("Internal"), soon(), {"m", Conflicts::kForce, true});
  ASSERT_TRUE(object);
  EXPECT_EQ((*object)["metadata"]["generation"], 1);
  EXPECT_FALSE(server_.get(kAIWorkloads, {"clinic", "triage"}));
}

TEST_F(ClientTest, ApplyStatusTouchesNothingElse) {
  server_.put(kAIWorkloads, workload("Internal"));
  Json object = workload("Public");
  object["status"] = {{"observedGeneration", 1}};
  ASSERT_TRUE(client_.apply_status(kAIWorkloads, object, soon()));
  const auto stored = *server_.get(kAIWorkloads, {"clinic", "triage"});
  EXPECT_EQ(stored["spec"]["dataClassification"], "Internal");
  EXPECT_EQ(stored["status"]["observedGeneration"], 1);
  EXPECT_EQ(stored["metadata"]["generation"], 1);
}

TEST_F(ClientTest, AMergePatchMayCarryItsPrecondition) {
  const auto version =
      server_.put(kAIWorkloads, workload("Internal"))["metadata"]["resourceVersion"];
  const Json finalizer = {
      {"metadata", {{"finalizers", {"portcullis.dev/isolation"}}, {"resourceVersion", version}}}};
  ASSERT_TRUE(client_.merge_patch(kAIWorkloads, {"clinic", "triage"}, finalizer, soon()));
  EXPECT_EQ(last().headers.at("Content-Type"), "application/merge-patch+json");
  const auto stale = client_.merge_patch(kAIWorkloads, {"clinic", "triage"}, finalizer, soon());
  ASSERT_FALSE(stale);
  EXPECT_EQ(stale.error().code(), ErrorCode::kConflict);
}

TEST_F(ClientTest, RemovesOnlyTheObjectThatWasMeant) {
  const auto uid =
      server_.put(kConfigMaps, config_map("a", "1"))["metadata"]["uid"].get<std::string>();
  const auto wrong = client_.remove(kConfigMaps, {"clinic", "a"}, {"another-uid", ""}, soon());
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code(), ErrorCode::kConflict);
  EXPECT_TRUE(client_.remove(kConfigMaps, {"clinic", "a"}, {uid, ""}, soon()));
  EXPECT_EQ(Json::parse(last().body)["propagationPolicy"], "Background");
  EXPECT_FALSE(server_.get(kConfigMaps, {"clinic", "a"}));
  EXPECT_TRUE(client_.remove(kConfigMaps, {"clinic", "a"}, {}, soon())) << "gone is done";
}

TEST_F(ClientTest, PostsToSubresources) {
  server_.on("POST", "/eviction", [](const auto&) { return status_response(201, "", ""); });
  EXPECT_TRUE(client_.post("/api/v1/namespaces/clinic/pods/a/eviction", Json::object(), soon()));
  EXPECT_EQ(last().headers.at("Content-Type"), "application/json");
}

TEST_F(ClientTest, ObjectsWithoutANameNeverReachTheServer) {
  const Json nameless = {{"metadata", {{"namespace", "clinic"}, {"generateName", "a-"}}}};
  EXPECT_FALSE(client_.get(kConfigMaps, {"clinic", ""}, soon()));
  EXPECT_FALSE(client_.remove(kConfigMaps, {"clinic", ""}, {}, soon()));
  EXPECT_FALSE(client_.create(kConfigMaps, nameless, soon()));
  EXPECT_FALSE(client_.apply(kConfigMaps, nameless, soon()));
  EXPECT_FALSE(client_.apply(kConfigMaps, Json(7), soon()));
  EXPECT_FALSE(client_.apply_status(kConfigMaps, config_map("a", "1"), soon()));
  EXPECT_FALSE(client_.merge_patch(kConfigMaps, {"clinic", ".."}, Json::object(), soon()));
  EXPECT_THAT(server_.requests(), IsEmpty());
}

TEST_F(ClientTest, AGetThatFailsInTransportIsTriedOnceMore) {
  server_.put(kConfigMaps, config_map("a", "1"));
  server_.fail_next("GET", "", Error(ErrorCode::kUnavailable, "connection reset"));
  EXPECT_TRUE(client_.get(kConfigMaps, {"clinic", "a"}, soon()));
  server_.fail_next("GET", "", Error(ErrorCode::kUnavailable, "connection reset"), 2);
  const auto failed = client_.get(kConfigMaps, {"clinic", "a"}, soon());
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code(), ErrorCode::kUnavailable);
  EXPECT_THAT(failed.error().message(), HasSubstr("GET /api/v1/namespaces/clinic/configmaps/a"));
  EXPECT_EQ(server_.requests().size(), 4U);
}

TEST_F(ClientTest, AWriteThatFailsInTransportIsNotRepeated) {
  server_.fail_next("", "", Error(ErrorCode::kUnavailable, "connection reset"), 4);
  EXPECT_FALSE(client_.create(kConfigMaps, config_map("a", "1"), soon()));
  EXPECT_FALSE(client_.apply(kConfigMaps, config_map("a", "1"), soon()));
  EXPECT_FALSE(client_.remove(kConfigMaps, {"clinic", "a"}, {}, soon()));
  EXPECT_EQ(server_.requests().size(), 3U);
}

TEST_F(ClientTest, AnUntrustedServerIsNotAskedAgain) {
  server_.fail_next("", "", Error(ErrorCode::kPermissionDenied, "unknown CA"), 2);
  EXPECT_FALSE(client_.get(kConfigMaps, {"clinic", "a"}, soon()));
  EXPECT_EQ(server_.requests().size(), 1U);
}

TEST_F(ClientTest, WaitsAsLongAsTheServerAsks) {
  for (const int code : {429, 500, 503, 504}) {
    server_.fail_next("", "", status_response(code, "", "busy", {{"Retry-After", "2"}}));
  }
  EXPECT_TRUE(client_.create(kConfigMaps, config_map("a", "1"), soon()));
  EXPECT_THAT(waiter_.waits(), ElementsAre(seconds(2), seconds(2), seconds(2), seconds(2)));
}

TEST_F(ClientTest, WithoutRetryAfterItDoesNotWait) {
  server_.fail_next("", "", status_response(503, "ServiceUnavailable", "busy"));
  EXPECT_FALSE(client_.get(kConfigMaps, {"clinic", "a"}, soon()));
  server_.fail_next("", "", status_response(404, "NotFound", "no", {{"Retry-After", "2"}}));
  EXPECT_FALSE(client_.get(kConfigMaps, {"clinic", "a"}, soon()));
  EXPECT_THAT(waiter_.waits(), IsEmpty());
}

TEST_F(ClientTest, WaitsAtMostTenTimes) {
  server_.fail_next("", "", status_response(429, "TooManyRequests", "busy", {{"Retry-After", "1"}}),
                    99);
  const auto refused = client_.get(kConfigMaps, {"clinic", "a"}, soon());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kResourceExhausted);
  EXPECT_EQ(refused.error().retry_after(), seconds(1));
  EXPECT_EQ(server_.requests().size(), 11U);
}

TEST_F(ClientTest, NeverWaitsBeyondTheDeadline) {
  server_.fail_next("", "",
                    status_response(429, "TooManyRequests", "busy", {{"Retry-After", "60"}}));
  const auto refused = client_.get(kConfigMaps, {"clinic", "a"}, soon());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().retry_after(), seconds(60));
  EXPECT_THAT(waiter_.waits(), IsEmpty());
}

TEST_F(ClientTest, AnExpiredDeadlineAsksNothing) {
  const auto late = client_.get(kConfigMaps, {"clinic", "a"}, Deadline::after(seconds(0)));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code(), ErrorCode::kDeadlineExceeded);
  EXPECT_THAT(server_.requests(), IsEmpty());
}

TEST_F(ClientTest, AnAnswerThatIsNoJsonIsTheServersFailure) {
  server_.on("GET", "", [](const auto&) { return http::Response{200, {}, "<html>"}; });
  const auto object = client_.get(kConfigMaps, {"clinic", "a"}, soon());
  ASSERT_FALSE(object);
  EXPECT_EQ(object.error().code(), ErrorCode::kUnavailable);
  EXPECT_FALSE(client_.list(kConfigMaps, {}, soon()));
}

TEST_F(ClientTest, AWarningIsLoggedOnce) {
  server_.on("GET", "", [](const auto&) {
    auto response = testing::json_response(200, Json::object());
    response.headers["Warning"] = R"(299 - "v1 Example is deprecated")";
    return response;
  });
  ::testing::internal::CaptureStderr();
  ASSERT_TRUE(client_.get(kConfigMaps, {"clinic", "a"}, soon()));
  ASSERT_TRUE(client_.get(kConfigMaps, {"clinic", "b"}, soon()));
  const auto log = ::testing::internal::GetCapturedStderr();
  const auto first = log.find("v1 Example is deprecated");
  ASSERT_NE(first, std::string::npos);
  EXPECT_EQ(log.find("v1 Example is deprecated", first + 1), std::string::npos);
}

}  // namespace
}  // namespace portcullis::kube
