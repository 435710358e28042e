#include "lib/kube/recorder.hpp"

#include <gmock/gmock.h>

#include "tests/integration/control_plane.hpp"

namespace portcullis::kube {
namespace {

using ::testing::SizeIs;

constexpr Resource kCoreEvents{"", "v1", "events", "Event", true};

class RecorderIntegrationTest : public testing::ControlPlaneTest {
 protected:
  std::vector<codec::Json> events(const Resource& resource, const std::string& selector = "") {
    const auto listed = client_.list(resource, {namespace_, "", selector}, soon());
    return listed ? *listed : std::vector<codec::Json>();
  }
};

TEST_F(RecorderIntegrationTest, EventsAreVisibleToPeople) {
  const auto object = must_create(kConfigMaps, config_map("triage"));
  {
    const auto recorder = make_recorder(client_, "portcullis.dev/operator", "operator-0");
    const Regarding about{kConfigMaps, {namespace_, "triage"}, object["metadata"]["uid"], ""};
    for (int i = 0; i < 3; ++i) {
      recorder->record(about, EventType::kWarning, "Tampered", "Apply", std::string(3000, 'n'));
    }
    recorder->record(about, EventType::kNormal, "Repaired", "Apply", "put back");
    ASSERT_TRUE(eventually([&] { return events(kEvents).size() == 2; }));
  }
  // As `kubectl describe` asks for them.
  const auto described =
      events(kCoreEvents, "involvedObject.kind=ConfigMap,involvedObject.name=triage");
  EXPECT_THAT(described, SizeIs(2));
  for (const auto& event : events(kEvents)) {
    if (event["reason"] != "Tampered") continue;
    EXPECT_EQ(event["series"]["count"], 2);
    EXPECT_EQ(event["type"], "Warning");
    EXPECT_EQ(event["note"].get<std::string>().size(), 1024U);
    EXPECT_EQ(event["reportingController"], "portcullis.dev/operator");
  }
}

TEST_F(RecorderIntegrationTest, EventsOfClusterScopedObjectsAreTakenToo) {
  const Regarding about{kNamespaces, {"", namespace_}, "", ""};
  {
    make_recorder(client_, "portcullis.dev/operator", "operator-0")
        ->record(about, EventType::kNormal, "Seen", "Test", "x");
  }
  const auto listed =
      client_.list(kEvents, {"default", "", "regarding.name=" + namespace_}, soon());
  ASSERT_TRUE(listed) << listed.error().message();
  EXPECT_THAT(*listed, SizeIs(1));
}

}  // namespace
}  // namespace portcullis::kube
