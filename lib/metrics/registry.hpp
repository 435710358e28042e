#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
}  // namespace prometheus

/// Counters, gauges and histograms in the Prometheus text format; prometheus-cpp behind it.
namespace portcullis::metrics {

using LabelSet = std::map<std::string, std::string>;

/// Handles are cheap to copy, valid as long as their Registry, and may be used by any thread.
class Counter {
 public:
  /// A negative amount is ignored: a counter only grows.
  void add(double amount = 1) const;
  double value() const;

 private:
  friend class Registry;
  explicit Counter(prometheus::Counter& series) : series_(&series) {}
  prometheus::Counter* series_;
};
class Gauge {
 public:
  void set(double value) const;
  void add(double amount) const;
  double value() const;

 private:
  friend class Registry;
  explicit Gauge(prometheus::Gauge& series) : series_(&series) {}
  prometheus::Gauge* series_;
};
class Histogram {
 public:
  void observe(double value) const;

 private:
  friend class Registry;
  explicit Histogram(prometheus::Histogram& series) : series_(&series) {}
  prometheus::Histogram* series_;
};

/// Seconds, from 1 ms to 30 s: what admission and reconciling take.
const std::vector<double>& duration_buckets();

/// The metrics of one process. Asking for the same name and labels again gives the same series, and
/// a series exists (at 0) from the first time it is asked for. Any thread.
///
/// A name or label that Prometheus refuses, or a name that is already of another kind, is a bug of
/// the caller: it is logged, and the handle works but is not exposed. Label values come from a
/// small fixed set, never from a tenant: each one is a series that stays.
class Registry {
 public:
  Registry();
  ~Registry();

  Counter counter(const std::string& name, const std::string& help, const LabelSet& labels = {});
  Gauge gauge(const std::string& name, const std::string& help, const LabelSet& labels = {});
  /// `buckets` are upper bounds, ascending; those of the first call for a series count.
  Histogram histogram(const std::string& name, const std::string& help, const LabelSet& labels = {},
                      const std::vector<double>& buckets = duration_buckets());

  /// Text exposition format 0.0.4, sorted by name.
  std::string expose() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace portcullis::metrics
