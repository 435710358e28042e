#include "operator/options.hpp"

#include <gtest/gtest.h>

namespace portcullis::controller {
namespace {

std::variant<Options, int> parse(std::vector<std::string> words) {
  words.insert(words.begin(), "portcullis-operator");
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  return parse_options(static_cast<int>(argv.size()), argv.data());
}

TEST(OperatorOptionsTest, HasDefaults) {
  const auto options = std::get<Options>(parse({}));
  EXPECT_EQ(options.metrics_port, 8080);
  EXPECT_EQ(options.dns.selector, (api::Labels{{"k8s-app", "kube-dns"}}));
}

TEST(OperatorOptionsTest, ReadsWhatTheChartRenders) {
  const auto options =
      std::get<Options>(parse({"--namespace=portcullis-system", "--dns-selector=app=coredns",
                               "--dns-address=169.254.20.10/32", "--dns-address=169.254.25.10/32",
                               "--finalizer-timeout=60", "--log-format=text"}));
  EXPECT_EQ(options.name_space, "portcullis-system");
  EXPECT_EQ(options.dns.selector, (api::Labels{{"app", "coredns"}}));
  EXPECT_EQ(options.dns.cidrs.size(), 2U);
  EXPECT_EQ(options.finalizer_timeout, std::chrono::seconds(60));
  EXPECT_EQ(options.log_format, log::Format::kText);
}

TEST(OperatorOptionsTest, RefusesWhatMakesNoSense) {
  for (const auto* word :
       {"--dns-selector=nonsense", "--dns-address=10.0.0.1", "--log-level=loud", "--log-format=xml",
        "--workers=0", "--metrics-port=70000", "--unknown"}) {
    EXPECT_EQ(std::get<int>(parse({word})), 3) << word;
  }
}

TEST(OperatorOptionsTest, HelpAndVersionEndWell) {
  EXPECT_EQ(std::get<int>(parse({"--help"})), 0);
  EXPECT_EQ(std::get<int>(parse({"--version"})), 0);
}

}  // namespace
}  // namespace portcullis::controller
