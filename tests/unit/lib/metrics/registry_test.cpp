#include "lib/metrics/registry.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

namespace portcullis::metrics {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(RegistryTest, ExposesTheTextFormatSortedByName) {
  Registry registry;
  registry.gauge("workqueue_depth", "Keys that wait.", {{"name", "aiworkload"}}).set(3);
  registry.counter("admissions_total", "Admissions.", {{"result", "denied"}}).add();

  EXPECT_EQ(registry.expose(),
            "# HELP admissions_total Admissions.\n"
            "# TYPE admissions_total counter\n"
            "admissions_total{result=\"denied\"} 1\n"
            "# HELP workqueue_depth Keys that wait.\n"
            "# TYPE workqueue_depth gauge\n"
            "workqueue_depth{name=\"aiworkload\"} 3\n");
}

TEST(RegistryTest, IsEmptyWithoutMetrics) { EXPECT_EQ(Registry().expose(), ""); }

TEST(RegistryTest, ASeriesExistsAtZeroFromTheFirstTimeItIsAskedFor) {
  Registry registry;
  registry.counter("panics_total", "Panics.");

  EXPECT_THAT(registry.expose(), HasSubstr("\npanics_total 0\n"));
}

TEST(RegistryTest, TheSameNameAndLabelsAreTheSameSeries) {
  Registry registry;
  registry.counter("c_total", "C.", {{"a", "1"}, {"b", "2"}}).add(2);
  const auto again = registry.counter("c_total", "C.", {{"b", "2"}, {"a", "1"}});
  again.add(0.5);
  const auto other = registry.counter("c_total", "C.", {{"a", "1"}, {"b", "3"}});

  EXPECT_EQ(again.value(), 2.5);
  EXPECT_EQ(other.value(), 0);
}

TEST(RegistryTest, RegistriesDoNotShareSeries) {
  Registry one;
  Registry other;
  one.counter("c_total", "C.").add();

  EXPECT_EQ(other.counter("c_total", "C.").value(), 0);
}

TEST(CounterTest, OnlyGrows) {
  Registry registry;
  const auto counter = registry.counter("c_total", "C.");
  counter.add(3);
  counter.add(-1);

  EXPECT_EQ(counter.value(), 3);
}

TEST(GaugeTest, IsSetAndMovesBothWays) {
  Registry registry;
  const auto gauge = registry.gauge("g", "G.");
  gauge.set(10);
  gauge.add(2.5);
  gauge.add(-5);

  EXPECT_EQ(gauge.value(), 7.5);
}

TEST(HistogramTest, CountsCumulativelyWithSumAndCount) {
  Registry registry;
  const auto histogram = registry.histogram("h_seconds", "H.", {{"path", "pods"}}, {0.1, 1});
  histogram.observe(0.1);
  histogram.observe(0.5);
  histogram.observe(8);

  const auto text = registry.expose();
  EXPECT_THAT(text, HasSubstr("# TYPE h_seconds histogram\n"));
  EXPECT_THAT(text, HasSubstr("h_seconds_count{path=\"pods\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("h_seconds_sum{path=\"pods\"} 8.6\n"));
  EXPECT_THAT(text, HasSubstr("h_seconds_bucket{path=\"pods\",le=\"0.1\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("h_seconds_bucket{path=\"pods\",le=\"1\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("h_seconds_bucket{path=\"pods\",le=\"+Inf\"} 3\n"));
}

TEST(HistogramTest, BucketsMayComeInAnyOrder) {
  Registry registry;
  registry.histogram("h", "H.", {}, {5, 1, 5}).observe(2);

  const auto text = registry.expose();
  EXPECT_THAT(text, HasSubstr("h_bucket{le=\"1\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("h_bucket{le=\"5\"} 1\n"));
}

TEST(HistogramTest, DurationBucketsAscendFromAMillisecondToThirtySeconds) {
  const auto& buckets = duration_buckets();

  EXPECT_EQ(buckets.front(), 0.001);
  EXPECT_EQ(buckets.back(), 30);
  EXPECT_TRUE(std::is_sorted(buckets.begin(), buckets.end()));
}

TEST(RegistryTest, LabelValuesAreEscaped) {
  Registry registry;
  registry.counter("c_total", "C.", {{"reason", "a\"b\\c\nd"}}).add();

  EXPECT_THAT(registry.expose(), HasSubstr(R"(c_total{reason="a\"b\\c\nd"} 1)"));
}

TEST(RegistryTest, AMetricThatPrometheusRefusesWorksButIsNotExposed) {
  Registry registry;
  const auto taken = registry.counter("taken", "Taken.");
  taken.add();

  const auto bad_name = registry.counter("no-dashes", "Bad.");
  const auto bad_label = registry.counter("label_total", "Bad.", {{"no-dashes", "x"}});
  const auto other_kind = registry.gauge("taken", "Bad.");
  const auto bad_histogram = registry.histogram("also bad", "Bad.");
  bad_name.add(4);
  bad_label.add(5);
  other_kind.set(6);
  bad_histogram.observe(7);

  EXPECT_EQ(bad_name.value(), 4);
  EXPECT_EQ(bad_label.value(), 5);
  EXPECT_EQ(other_kind.value(), 6);
  EXPECT_EQ(taken.value(), 1);
  EXPECT_THAT(registry.expose(), Not(HasSubstr("dashes")));
  EXPECT_THAT(registry.expose(), HasSubstr("\ntaken 1\n"));
}

TEST(RegistryTest, ManyThreadsCountWithoutLoss) {
  Registry registry;
  constexpr int kThreads = 4;
  constexpr int kAdds = 2000;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&registry, i] {
      for (int j = 0; j < kAdds; ++j) {
        registry.counter("shared_total", "Shared.").add();
        registry.gauge("g", "G.", {{"thread", std::to_string(i)}}).add(1);
        if (j % 500 == 0) {
          EXPECT_FALSE(registry.expose().empty());
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();

  EXPECT_EQ(registry.counter("shared_total", "Shared.").value(), kThreads * kAdds);
  EXPECT_EQ(registry.gauge("g", "G.", {{"thread", "0"}}).value(), kAdds);
}

}  // namespace
}  // namespace portcullis::metrics
