#include "support/jobs.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

namespace keel::apps {

void run_jobs(Index tasks, Index jobs, const std::function<void(Index)>& task) {
  std::atomic<Index> next = 0;
  const auto work = [&] {
    for (Index i = next++; i < tasks; i = next++) task(i);
  };
  std::vector<std::jthread> others;
  for (Index i = 1; i < std::min(jobs, tasks); ++i) others.emplace_back(work);
  work();
}

}  // namespace keel::apps
