#include "operator/network_watch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/codec/json.hpp"

namespace portcullis::controller {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(NetworkWatchTest, TakesReadyAddressesWithEachTcpPort) {
  const auto slice = codec::Json::parse(R"({
    "ports": [{"name": "https", "port": 6443}, {"port": 53, "protocol": "UDP"}],
    "endpoints": [{"addresses": ["192.0.2.7"], "conditions": {"ready": true}},
                  {"addresses": ["192.0.2.8"]},
                  {"addresses": ["192.0.2.9"], "conditions": {"ready": false}}]})");
  EXPECT_THAT(addresses_of_slice(slice), ElementsAre(ApiServerAddress{"192.0.2.7", 6443},
                                                     ApiServerAddress{"192.0.2.8", 6443}));
}

TEST(NetworkWatchTest, TakesClusterIps) {
  const auto service = codec::Json::parse(R"({"spec": {"clusterIPs": ["10.96.0.1", "fd00::1"],
    "ports": [{"port": 443, "protocol": "TCP"}]}})");
  EXPECT_THAT(addresses_of_service(service),
              ElementsAre(ApiServerAddress{"10.96.0.1", 443}, ApiServerAddress{"fd00::1", 443}));
}

TEST(NetworkWatchTest, WhatHasNoAddressesGivesNone) {
  for (const auto* text : {"{}", R"({"spec": {"clusterIPs": ["None"], "ports": [{"port": 53}]}})",
                           R"({"spec": {"clusterIPs": "10.96.0.1"}})", R"({"spec": []})"}) {
    EXPECT_THAT(addresses_of_service(codec::Json::parse(text)), IsEmpty()) << text;
    EXPECT_THAT(addresses_of_slice(codec::Json::parse(text)), IsEmpty()) << text;
  }
}

}  // namespace
}  // namespace portcullis::controller
