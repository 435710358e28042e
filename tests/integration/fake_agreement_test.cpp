#include <gmock/gmock.h>

#include "tests/fakes/fake_api_server.hpp"
#include "tests/integration/control_plane.hpp"

// The fake API server that the unit tests rest on must answer as the real one: the same calls, the
// same outcomes.
namespace portcullis::kube {
namespace {

using codec::Json;
using testing::kWidgets;

/// What happened, in words that two servers can share: no uid, version, time or message.
class Protocol {
 public:
  Protocol(Client& client, std::string name_space)
      : client_(client), namespace_(std::move(name_space)) {}

  void note(const std::string& what, const Result<Json>& outcome) {
    lines_.push_back(what + ": " + (outcome ? described(*outcome) : failure(outcome.error())));
  }
  void note(const std::string& what, const Result<void>& outcome) {
    lines_.push_back(what + ": " + (outcome ? "done" : failure(outcome.error())));
  }
  void note(const std::string& what, const Result<std::vector<Json>>& outcome) {
    std::string names;
    if (outcome) {
      for (const auto& item : *outcome) {
        names += " " + item["kind"].get<std::string>() + "/" +
                 item["metadata"]["name"].get<std::string>();
      }
    }
    lines_.push_back(what + ":" + (outcome ? names : " " + failure(outcome.error())));
  }

  Client& client() { return client_; }
  api::ObjectKey key(const std::string& name) const { return {namespace_, name}; }
  Json widget(const std::string& name, const Json& spec = {{"size", 1}}) const {
    return {{"metadata", {{"namespace", namespace_}, {"name", name}}}, {"spec", spec}};
  }
  std::vector<std::string> lines() const { return lines_; }
  static Deadline soon() { return Deadline::after(std::chrono::seconds(30)); }

 private:
  static std::string failure(const Error& error) { return std::string(to_string(error.code())); }

  static std::string described(Json object) {
    if (!object.is_object() || object.value("kind", "") == "Status") return "done";
    auto& metadata = object["metadata"];
    for (const char* own : {"uid", "resourceVersion", "creationTimestamp", "namespace"})
      metadata.erase(own);
    if (metadata.contains("deletionTimestamp")) metadata["deletionTimestamp"] = "set";
    metadata.erase("deletionGracePeriodSeconds");
    return codec::dump_json(object);
  }

  Client& client_;
  const std::string namespace_;
  std::vector<std::string> lines_;
};

void create_and_read(Protocol& on) {
  auto& client = on.client();
  on.note("get nothing", client.get(kWidgets, on.key("a"), on.soon()));
  auto with_status = on.widget("a");
  with_status["status"] = {{"seen", 9}};
  on.note("create", client.create(kWidgets, with_status, on.soon()));
  on.note("create again", client.create(kWidgets, on.widget("a"), on.soon()));
  on.note("get", client.get(kWidgets, on.key("a"), on.soon()));
}

void apply_fields(Protocol& on) {
  auto& client = on.client();
  auto labelled = on.widget("b");
  labelled["metadata"]["labels"] = {{"app", "x"}, {"tier", "y"}};
  on.note("apply new", client.apply(kWidgets, labelled, on.soon()));
  on.note("apply the same", client.apply(kWidgets, labelled, on.soon()));
  labelled["metadata"]["labels"].erase("tier");
  on.note("apply less", client.apply(kWidgets, labelled, on.soon()));
  labelled["spec"]["size"] = 2;
  on.note("apply a change", client.apply(kWidgets, labelled, on.soon()));

  const ApplyOptions gentle{"another", Conflicts::kFail, false};
  on.note("another, same value",
          client.apply(kWidgets, on.widget("b", {{"size", 2}}), on.soon(), gentle));
  on.note("another, other value",
          client.apply(kWidgets, on.widget("b", {{"size", 3}}), on.soon(), gentle));
  on.note("another, by force", client.apply(kWidgets, on.widget("b", {{"size", 3}}), on.soon(),
                                            {"another", Conflicts::kForce, false}));
  on.note("dry run", client.apply(kWidgets, on.widget("b", {{"size", 4}}), on.soon(),
                                  {"another", Conflicts::kForce, true}));
  auto nothing = on.widget("b");
  nothing.erase("spec");
  on.note("another gives up", client.apply(kWidgets, nothing, on.soon(), gentle));
  on.note("after all", client.get(kWidgets, on.key("b"), on.soon()));
}

void apply_status(Protocol& on) {
  auto& client = on.client();
  auto status = on.widget("b", {{"size", 77}});
  status["status"] = {{"seen", 1}};
  on.note("status", client.apply_status(kWidgets, status, on.soon()));
  status["metadata"]["name"] = "none";
  on.note("status of nothing", client.apply_status(kWidgets, status, on.soon()));
  on.note("patch leaves status alone",
          client.merge_patch(kWidgets, on.key("b"),
                             {{"spec", {{"size", 5}}}, {"status", {{"seen", 8}}}}, on.soon()));
}

void remove_with_finalizer(Protocol& on) {
  auto& client = on.client();
  auto held = on.widget("c");
  held["metadata"]["finalizers"] = {"test.portcullis.dev/one", "test.portcullis.dev/two"};
  const auto created = client.create(kWidgets, held, on.soon());
  on.note("create with finalizers", created);
  on.note("remove, wrong uid",
          client.remove(kWidgets, on.key("c"), {"no-such-uid", ""}, on.soon()));
  on.note("remove, stale version", client.remove(kWidgets, on.key("c"), {"", "1"}, on.soon()));
  on.note("remove",
          client.remove(kWidgets, on.key("c"), {(*created)["metadata"]["uid"], ""}, on.soon()));
  on.note("held", client.get(kWidgets, on.key("c"), on.soon()));
  on.note(
      "one less",
      client.merge_patch(kWidgets, on.key("c"),
                         {{"metadata", {{"finalizers", {"test.portcullis.dev/two"}}}}}, on.soon()));
  const auto stale = (*created)["metadata"]["resourceVersion"];
  on.note("stale patch",
          client.merge_patch(kWidgets, on.key("c"),
                             {{"metadata", {{"resourceVersion", stale}, {"finalizers", nullptr}}}},
                             on.soon()));
  client.merge_patch(kWidgets, on.key("c"), {{"metadata", {{"finalizers", nullptr}}}}, on.soon())
      .has_value();
  on.note("gone", client.get(kWidgets, on.key("c"), on.soon()));
  on.note("remove once more", client.remove(kWidgets, on.key("c"), {}, on.soon()));
}

void list(Protocol& on) {
  auto& client = on.client();
  const auto name_space = on.key("").name_space;
  on.note("all", client.list(kWidgets, {name_space, "", ""}, on.soon()));
  on.note("by label", client.list(kWidgets, {name_space, "app=x", ""}, on.soon()));
  on.note("not by label", client.list(kWidgets, {name_space, "app!=x", ""}, on.soon()));
  on.note("by existence", client.list(kWidgets, {name_space, "app", ""}, on.soon()));
  on.note("by name", client.list(kWidgets, {name_space, "", "metadata.name=a"}, on.soon()));
}

std::vector<std::string> play(Client& client, const std::string& name_space) {
  Protocol protocol(client, name_space);
  create_and_read(protocol);
  apply_fields(protocol);
  apply_status(protocol);
  remove_with_finalizer(protocol);
  list(protocol);
  return protocol.lines();
}

class FakeAgreementTest : public testing::ControlPlaneTest {};

TEST_F(FakeAgreementTest, TheFakeServerAnswersAsTheRealOne) {
  define_widgets();
  testing::FakeApiServer fake;
  Client client(fake, "portcullis-integration");
  const auto expected = play(client_, namespace_);
  const auto found = play(client, namespace_);
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(found[i], expected[i]);
}

}  // namespace
}  // namespace portcullis::kube
