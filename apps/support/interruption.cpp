#include "support/interruption.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>

namespace keel::apps {
namespace {

// What a signal handler may touch.
std::atomic<int> first_signal = 0;
static_assert(std::atomic<int>::is_always_lock_free);
// Written before the handler is there, and never destroyed: a signal may come while the program ends.
std::array<char, 128> message;
std::size_t message_size = 0;

extern "C" void on_signal(int signal) {
  int none = 0;
  if (!first_signal.compare_exchange_strong(none, signal)) _exit(128 + signal);
  const int saved_errno = errno;
  // There is nobody to tell if this cannot be written.
  [[maybe_unused]] const auto written = write(STDERR_FILENO, message.data(), message_size);
  errno = saved_errno;
}

}  // namespace

void watch_for_interruption(std::string_view what) {
  const auto end = fmt::format_to_n(message.begin(), message.size(),
                                    "\ninterrupted: {}; once more to quit at once\n", what);
  message_size = std::min(end.size, message.size());
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
