#include "support/threads_option.h"

#include <algorithm>
#include <thread>

#include "keel/core/parallel.h"

namespace keel::apps {

// More than a machine that runs such small models gains from, and few enough that all can be started.
constexpr Index kMostThreads = 1024;

void add_threads(CommandLine& command) {
  command.add_number(
      "threads", "N", "0",
      "Threads that share the work of a layer; 0: one for each processor. Results are the same, bit for "
      "bit, for any number");
}

int use_threads(const CommandLine& command) {
  const Index given = command.integer("threads", 0, kMostThreads);
  // 0 where the system does not tell.
  const int threads = std::max(1, static_cast<int>(given > 0 ? given : std::thread::hardware_concurrency()));
  set_num_threads(threads);
  return threads;
}

}  // namespace keel::apps
