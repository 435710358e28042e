#include "lib/admission/endpoint.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "lib/codec/json.hpp"

namespace portcullis::admission {
namespace {

using ::testing::HasSubstr;
using namespace std::chrono_literals;

class FakeHandler final : public Handler {
 public:
  Result<Answer> handle(const api::AdmissionRequest& request, Deadline deadline) override {
    seen = request.uid;
    remaining = deadline.remaining();
    if (throws) throw std::runtime_error("a bug");
    return decision;
  }
  Result<Answer> decision =
      Answer{policy::Verdict::allow({.policy = "p", .authority = "a"}), {}, {}, {}};
  bool throws = false;
  std::string seen;
  std::chrono::milliseconds remaining{0};
};

class EndpointTest : public ::testing::Test {
 protected:
  static http::Request request(std::string body = review().dump()) {
    return {
        "POST", "/validate?timeout=10s", {{"Content-Type", "application/json"}}, std::move(body)};
  }
  static codec::Json review() {
    return codec::Json::parse(R"({"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview",
      "request":{"uid":"u1","kind":{"group":"","version":"v1","kind":"Pod"},
        "resource":{"group":"","version":"v1","resource":"pods"},"name":"p","namespace":"n",
        "operation":"CREATE","userInfo":{"username":"jo"},"object":{"metadata":{"name":"p"}}}})");
  }
  codec::Json answer(const http::Request& sent) const {
    const auto response = endpoint_.answer(sent);
    EXPECT_EQ(response.status, 200) << response.body;
    return codec::Json::parse(response.body)["response"];
  }

  FakeHandler handler_;
  metrics::Registry registry_;
  Endpoint endpoint_{"workloads", handler_, registry_};
};

TEST_F(EndpointTest, AnswersAReviewWithItsUid) {
  const auto response = answer(request());
  EXPECT_EQ(response["uid"], "u1");
  EXPECT_EQ(response["allowed"], true);
  EXPECT_EQ(handler_.seen, "u1");
}

TEST_F(EndpointTest, WhatIsNoReviewIsNeverAnsweredWith200) {
  struct Row {
    const char* name;
    http::Request request;
    int status;
  };
  auto get = request();
  get.method = "GET";
  auto text = request();
  text.headers["Content-Type"] = "text/plain";
  auto untyped = request();
  untyped.headers.clear();
  for (const auto& row :
       {Row{"GET", get, 405}, Row{"text", text, 415}, Row{"no content type", untyped, 415},
        Row{"not JSON", request("{"), 400}, Row{"no uid", request("{}"), 400},
        Row{"deep", request(std::string(100000, '[')), 400}}) {
    SCOPED_TRACE(row.name);
    EXPECT_EQ(endpoint_.answer(row.request).status, row.status);
    EXPECT_EQ(handler_.seen, "");
  }
}

// What cannot be decided is refused with 200, or failurePolicy would decide.
TEST_F(EndpointTest, FailsClosed) {
  auto broken = review();
  broken["request"]["operation"] = 7;
  auto old = review();
  old["apiVersion"] = "admission.k8s.io/v1beta1";
  for (const auto& body : {broken.dump(), old.dump()}) {
    const auto response = answer(request(body));
    EXPECT_EQ(response["allowed"], false) << body;
    EXPECT_EQ(response["status"]["code"], 500);
    EXPECT_EQ(response["uid"], "u1");
  }
}

TEST_F(EndpointTest, AHandlerThatThrowsIsARefusalThatTellsNothing) {
  handler_.throws = true;
  const auto response = answer(request());
  EXPECT_EQ(response["allowed"], false);
  EXPECT_EQ(response["status"]["code"], 500);
  EXPECT_EQ(response["status"]["message"].get<std::string>().find("a bug"), std::string::npos);
  EXPECT_THAT(registry_.expose(),
              HasSubstr("controller_runtime_webhook_panics_total{webhook=\"workloads\"} 1"));
}

TEST_F(EndpointTest, CountsDecisionsApart) {
  answer(request());
  handler_.decision = Error(ErrorCode::kUnavailable, "registry down");
  answer(request());
  const auto text = registry_.expose();
  EXPECT_THAT(
      text,
      HasSubstr(
          "portcullis_admission_decisions_total{decision=\"allowed\",webhook=\"workloads\"} 1"));
  EXPECT_THAT(
      text,
      HasSubstr(
          "portcullis_admission_decisions_total{decision=\"undecided\",webhook=\"workloads\"} 1"));
  EXPECT_THAT(
      text,
      HasSubstr(
          "portcullis_admission_decisions_total{decision=\"refused\",webhook=\"workloads\"} 0"));
}

TEST_F(EndpointTest, TheHandlersDeadlineComesFromTheQuery) {
  auto sent = request();
  sent.target = "/validate?timeout=3s";
  answer(sent);
  EXPECT_LE(handler_.remaining, 1'900ms);
  EXPECT_GT(handler_.remaining, 0ms);
}

TEST(BudgetTest, LeavesTheServersSecondAndTheTravel) {
  EXPECT_EQ(budget_of("10s"), 8'900ms);
  EXPECT_EQ(budget_of(""), 8'900ms);
  EXPECT_EQ(budget_of("soon"), 8'900ms);
  EXPECT_EQ(budget_of("30s"), 28'900ms);
  EXPECT_EQ(budget_of("99999s"), 28'900ms) << "the API server never waits longer than 30 s";
  EXPECT_EQ(budget_of("1s"), 200ms);
  EXPECT_EQ(budget_of("0s"), 200ms);
}

}  // namespace
}  // namespace portcullis::admission
