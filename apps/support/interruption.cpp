#include "support/interruption.h"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <string_view>

namespace keel::apps {
namespace {

// What a signal handler may touch.
std::atomic<int> first_signal = 0;
static_assert(std::atomic<int>::is_always_lock_free);

extern "C" void on_signal(int signal) {
  int none = 0;
  if (!first_signal.compare_exchange_strong(none, signal)) _exit(128 + signal);
  const int saved_errno = errno;
  constexpr std::string_view kMessage = "\ninterrupted: saving after this step; once more to quit at once\n";
  // There is nobody to tell if this cannot be written.
  [[maybe_unused]] const auto written = write(STDERR_FILENO, kMessage.data(), kMessage.size());
  errno = saved_errno;
}

}  // namespace

void watch_for_interruption() {
  struct sigaction action = {};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;  // reading and writing go on
  std::signal(SIGPIPE, SIG_IGN);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction before = {};
    sigaction(signal, nullptr, &before);
    // A program that was started to ignore it (nohup, a background job of a script) goes on to.
    if (before.sa_handler != SIG_IGN) sigaction(signal, &action, nullptr);
  }
}

bool interrupted() { return first_signal.load(std::memory_order_relaxed) != 0; }

int interrupted_status() { return 128 + first_signal.load(); }

}  // namespace keel::apps
