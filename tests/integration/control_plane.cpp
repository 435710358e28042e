#include "tests/integration/control_plane.hpp"

#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <stdexcept>

#include "lib/kube/waiter.hpp"

namespace portcullis::testing {
namespace {

/// Unique on the server, also between runs against the same one.
std::string unique_namespace() {
  static std::atomic<int> counter{0};
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return "it-" + std::to_string(getpid()) + "-" + std::to_string(++counter) + "-" +
         std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

}  // namespace

kube::Config ControlPlaneTest::load() {
  const char* kubeconfig = std::getenv("PORTCULLIS_TEST_KUBECONFIG");
  auto config = kube::load_config({kubeconfig ? kubeconfig : "", ""});
  if (!config) throw std::runtime_error(config.error().message());
  return *config;
}

std::unique_ptr<http::KubeTransport> ControlPlaneTest::connect(const http::KubeEndpoint& endpoint) {
  auto transport = http::make_kube_transport(endpoint);
  if (!transport) throw std::runtime_error(transport.error().message());
  return std::move(*transport);
}

ControlPlaneTest::ControlPlaneTest()
    : config_(load()),
      namespace_(unique_namespace()),
      transport_(connect()),
      client_(*transport_, "portcullis-integration") {
  must_create(kube::kNamespaces, {{"metadata", {{"name", namespace_}}}});
}

ControlPlaneTest::~ControlPlaneTest() {
  const auto gone = client_.remove(kube::kNamespaces, {"", namespace_}, {}, soon());
  EXPECT_TRUE(gone) << gone.error().message();
}

codec::Json ControlPlaneTest::must_create(const kube::Resource& resource,
                                          const codec::Json& object) {
  auto created = client_.create(resource, object, soon());
  if (!created) throw std::runtime_error(created.error().message());
  return *created;
}

void ControlPlaneTest::define_widgets() {
  const auto object = [](const codec::Json& properties) {
    return codec::Json{{"type", "object"}, {"properties", properties}};
  };
  const codec::Json integer = {{"type", "integer"}};
  const codec::Json schema =
      object({{"spec", object({{"size", integer}})}, {"status", object({{"seen", integer}})}});
  const codec::Json version = {{"name", "v1"},
                               {"served", true},
                               {"storage", true},
                               {"subresources", {{"status", codec::Json::object()}}},
                               {"schema", {{"openAPIV3Schema", schema}}}};
  const codec::Json names = {{"plural", "widgets"},
                             {"kind", "Widget"},
                             {"singular", "widget"},
                             {"listKind", "WidgetList"}};
  const codec::Json definition = {{"metadata", {{"name", "widgets.test.portcullis.dev"}}},
                                  {"spec",
                                   {{"group", kWidgets.group},
                                    {"scope", "Namespaced"},
                                    {"names", names},
                                    {"versions", codec::Json::array({version})}}}};
  const auto applied = client_.apply(kube::kCustomResourceDefinitions, definition, soon());
  ASSERT_TRUE(applied) << applied.error().message();
  ASSERT_TRUE(eventually([&] { return client_.list(kWidgets, {}, soon()).has_value(); }));
}

bool ControlPlaneTest::eventually(const std::function<bool()>& condition) {
  const auto deadline = soon();
  while (!condition()) {
    if (deadline.expired()) return false;
    kube::real_waiter().wait(std::chrono::milliseconds(20), {});
  }
  return true;
}

codec::Json ControlPlaneTest::config_map(const std::string& name, const std::string& value) const {
  return {{"metadata", {{"namespace", namespace_}, {"name", name}}}, {"data", {{"key", value}}}};
}

}  // namespace portcullis::testing
