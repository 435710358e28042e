#include "lib/metrics/registry.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <exception>
#include <list>

#include "lib/base/guarded.hpp"
#include "lib/base/log.hpp"

namespace portcullis::metrics {
namespace {

/// Series that could not be registered: they must live somewhere for their handles to work.
struct Unexposed {
  std::list<prometheus::Counter> counters;
  std::list<prometheus::Gauge> gauges;
  std::list<prometheus::Histogram> histograms;
};

void log_refusal(const std::string& name, const std::exception& problem) {
  log::error("a metric is not exposed", {{"metric", name}, {"cause", problem.what()}});
}

/// prometheus-cpp checks the order with assert() only in some builds.
std::vector<double> ascending(std::vector<double> buckets) {
  std::sort(buckets.begin(), buckets.end());
  buckets.erase(std::unique(buckets.begin(), buckets.end()), buckets.end());
  return buckets;
}

}  // namespace

struct Registry::Impl {
  prometheus::Registry exposed;
  Guarded<Unexposed> unexposed;
};

void Counter::add(double amount) const { series_->Increment(amount); }
double Counter::value() const { return series_->Value(); }

void Gauge::set(double value) const { series_->Set(value); }
void Gauge::add(double amount) const { series_->Increment(amount); }
double Gauge::value() const { return series_->Value(); }

void Histogram::observe(double value) const { series_->Observe(value); }

const std::vector<double>& duration_buckets() {
  static const std::vector<double> kBuckets{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                            0.25,  0.5,    1,     2.5,  5,     10,   30};
  return kBuckets;
}

Registry::Registry() : impl_(std::make_unique<Impl>()) {}
Registry::~Registry() = default;

Counter Registry::counter(const std::string& name, const std::string& help,
                          const LabelSet& labels) {
  try {
    auto& family = prometheus::BuildCounter().Name(name).Help(help).Register(impl_->exposed);
    return Counter(family.Add(labels));
  } catch (const std::exception& problem) {
    log_refusal(name, problem);
    return impl_->unexposed.with(
        [](Unexposed& series) { return Counter(series.counters.emplace_back()); });
  }
}

Gauge Registry::gauge(const std::string& name, const std::string& help, const LabelSet& labels) {
  try {
    auto& family = prometheus::BuildGauge().Name(name).Help(help).Register(impl_->exposed);
    return Gauge(family.Add(labels));
  } catch (const std::exception& problem) {
    log_refusal(name, problem);
    return impl_->unexposed.with(
        [](Unexposed& series) { return Gauge(series.gauges.emplace_back()); });
  }
}

Histogram Registry::histogram(const std::string& name, const std::string& help,
                              const LabelSet& labels, const std::vector<double>& buckets) {
  try {
    auto& family = prometheus::BuildHistogram().Name(name).Help(help).Register(impl_->exposed);
    return Histogram(family.Add(labels, ascending(buckets)));
  } catch (const std::exception& problem) {
    log_refusal(name, problem);
    return impl_->unexposed.with([&buckets](Unexposed& series) {
      return Histogram(series.histograms.emplace_back(ascending(buckets)));
    });
  }
}

std::string Registry::expose() const {
  auto families = impl_->exposed.Collect();
  std::sort(families.begin(), families.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace portcullis::metrics
