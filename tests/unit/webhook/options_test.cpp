#include "webhook/options.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace portcullis::webhook {
namespace {

std::variant<Options, int> parse(std::vector<std::string> words) {
  words.insert(words.begin(), "portcullis-webhook");
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  return parse_options(static_cast<int>(argv.size()), argv.data());
}

TEST(WebhookOptionsTest, ReadsWhatTheChartRenders) {
  const auto options = std::get<Options>(
      parse({"--namespace=portcullis-system", "--port=10250", "--metrics-port=8080",
             "--shutdown-delay=10", "--registries=/etc/portcullis/registries.yaml",
             "--log-level=debug", "--log-format=json"}));
  EXPECT_EQ(options.name_space, "portcullis-system");
  EXPECT_EQ(options.port, 10250);
  EXPECT_EQ(options.shutdown_delay, std::chrono::seconds(10));
  EXPECT_EQ(options.log_level, log::Level::kDebug);
}

TEST(WebhookOptionsTest, RefusesWhatMakesNoSense) {
  for (const auto* word :
       {"--port=x", "--log-level=loud", "--shutdown-delay=-1", "--unknown", "stray"}) {
    EXPECT_EQ(std::get<int>(parse({word})), 3) << word;
  }
}

TEST(WebhookOptionsTest, HelpAndVersionEndWell) {
  EXPECT_EQ(std::get<int>(parse({"--help"})), 0);
  EXPECT_EQ(std::get<int>(parse({"--version"})), 0);
}

}  // namespace
}  // namespace portcullis::webhook
