#pragma once

#include <memory>

#include "lib/base/result.hpp"
#include "operator/options.hpp"

namespace portcullis::controller {

/// The operator put together: the composition root.
class App {
 public:
  /// Errors say what of the configuration or the environment is wrong.
  static Result<std::unique_ptr<App>> create(const Options& options);
  virtual ~App() = default;

  /// Starts everything; returns at once.
  virtual void start() = 0;
  /// Finishes what is under way, stops.
  virtual void stop() = 0;
};

}  // namespace portcullis::controller
