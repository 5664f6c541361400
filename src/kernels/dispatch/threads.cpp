#include "kernels/dispatch/threads.h"

#include <omp.h>

#include <atomic>

namespace keel::kernels {
namespace {

// 0: as OpenMP starts. Not OpenMP's own setting, which each thread that calls us has for itself.
std::atomic<int> chosen_threads = 0;

}  // namespace

void set_num_threads(int threads) { chosen_threads = threads; }

int num_threads() {
  const int chosen = chosen_threads;
  return chosen > 0 ? chosen : omp_get_max_threads();
}

void for_each_chunk(std::int64_t chunks, bool parallel, void* context,
                    void (*run)(void* context, std::int64_t chunk)) {
  const int threads = num_threads();
  if (!parallel || chunks < 2 || omp_in_parallel() || threads == 1) {
    for (std::int64_t i = 0; i < chunks; ++i) run(context, i);
    return;
  }
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
  for (std::int64_t i = 0; i < chunks; ++i) run(context, i);
}

}  // namespace keel::kernels
