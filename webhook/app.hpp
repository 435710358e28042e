#pragma once

#include <memory>

#include "lib/base/result.hpp"
#include "webhook/options.hpp"

namespace portcullis::webhook {

/// The webhook put together: the composition root. run() serves until stop() is called.
class App {
 public:
  /// Errors say what of the configuration or the environment is wrong.
  static Result<std::unique_ptr<App>> create(const Options& options);
  virtual ~App() = default;

  /// Starts everything; returns at once.
  virtual void start() = 0;
  /// Goes on serving for the shutdown delay, drains, stops.
  virtual void stop() = 0;
};

}  // namespace portcullis::webhook
