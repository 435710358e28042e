#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

/// Counters, gauges and histograms in the Prometheus text format; prometheus-cpp behind it.
namespace portcullis::metrics {

using LabelSet = std::map<std::string, std::string>;

/// Handles are cheap to copy, valid as long as their Registry, and may be used by any thread.
class Counter {
 public:
  void add(double amount = 1) const;
  double value() const;

 private:
  friend class Registry;
  explicit Counter(void* impl) : impl_(impl) {}
  void* impl_;
};
class Gauge {
 public:
  void set(double value) const;
  void add(double amount) const;
  double value() const;

 private:
  friend class Registry;
  explicit Gauge(void* impl) : impl_(impl) {}
  void* impl_;
};
class Histogram {
 public:
  void observe(double value) const;

 private:
  friend class Registry;
  explicit Histogram(void* impl) : impl_(impl) {}
  void* impl_;
};

/// Seconds, from 1 ms to 30 s: what admission and reconciling take.
const std::vector<double>& duration_buckets();

/// The metrics of one process. Asking for the same name and labels again gives the same series, and
/// a series exists (at 0) from the first time it is asked for. Any thread.
class Registry {
 public:
  Registry();
  ~Registry();

  Counter counter(const std::string& name, const std::string& help, const LabelSet& labels = {});
  Gauge gauge(const std::string& name, const std::string& help, const LabelSet& labels = {});
  Histogram histogram(const std::string& name, const std::string& help, const LabelSet& labels = {},
                      const std::vector<double>& buckets = duration_buckets());

  /// Text exposition format 0.0.4.
  std::string expose() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace portcullis::metrics
