#include <gmock/gmock.h>

#include <cstdio>
#include <cstdlib>

#include "lib/http/kube_transport.hpp"

int main(int argc, char** argv) {
  ::testing::InitGoogleMock(&argc, argv);
  const char* kubeconfig = std::getenv("PORTCULLIS_TEST_KUBECONFIG");
  if (!kubeconfig || !*kubeconfig) {
    std::fputs(
        "integration_tests: PORTCULLIS_TEST_KUBECONFIG is not set, so there is no API server to "
        "test "
        "against.\nRun: tools/with-control-plane PATH/TO/integration_tests\n",
        stderr);
    return EXIT_FAILURE;
  }
  portcullis::http::initialize_kube_transport();
  return RUN_ALL_TESTS();
}
