#include <csignal>

#include "lib/base/log.hpp"
#include "lib/http/kube_transport.hpp"
#include "operator/app.hpp"

int main(int argc, char** argv) {
  using namespace portcullis;
  const auto parsed = controller::parse_options(argc, argv);
  if (const auto* exit_code = std::get_if<int>(&parsed)) return *exit_code;
  const auto& options = std::get<controller::Options>(parsed);
  log::configure(options.log_level, options.log_format);

  // Blocked before the first thread, so that every thread inherits it and sigwait gets them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);

  http::initialize_kube_transport();
  const auto app = controller::App::create(options);
  if (!app) {
    log::error("cannot start", {{"error", app.error()}});
    return 1;
  }
  (*app)->start();
  int signal = 0;
  sigwait(&signals, &signal);
  (*app)->stop();
  return 0;
}
