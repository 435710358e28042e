#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "lib/codec/json.hpp"
#include "lib/kube/client.hpp"
#include "lib/kube/config.hpp"

namespace portcullis::testing {

/// A kind of the tests' own: spec.size, status.seen, a status subresource and a generation.
inline constexpr kube::Resource kWidgets{"test.portcullis.dev", "v1", "widgets", "Widget", true};

/// The real API server of PORTCULLIS_TEST_KUBECONFIG, as its admin; and a namespace of the test's
/// own, which is gone when the test ends.
class ControlPlaneTest : public ::testing::Test {
 protected:
  ControlPlaneTest();
  ~ControlPlaneTest() override;

  static Deadline soon() { return Deadline::after(std::chrono::seconds(30)); }
  /// Tries until it holds; false after 30 s.
  static bool eventually(const std::function<bool()>& condition);

  codec::Json config_map(const std::string& name, const std::string& value = "1") const;
  /// A transport of its own, as a reflector needs it.
  std::unique_ptr<http::KubeTransport> connect() const { return connect(config_.endpoint); }
  static std::unique_ptr<http::KubeTransport> connect(const http::KubeEndpoint& endpoint);
  /// Creates it with the client; the test ends when that fails.
  codec::Json must_create(const kube::Resource& resource, const codec::Json& object);

  /// Installs the kind, and waits until it is served.
  void define_widgets();

  const kube::Config config_;
  const std::string namespace_;
  const std::unique_ptr<http::KubeTransport> transport_;
  kube::Client client_;

 private:
  static kube::Config load();
};

}  // namespace portcullis::testing
