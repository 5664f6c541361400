#include "kernels/dispatch/threads.h"

#include <omp.h>

#include <atomic>

#include "kernels/dispatch/pool.h"

namespace keel::kernels {
namespace {

// 0: as many as OpenMP would take, which knows the processors allowed to us and OMP_NUM_THREADS.
std::atomic<int> chosen_threads = 0;

}  // namespace

void set_num_threads(int threads) { chosen_threads = threads; }

int num_threads() {
  const int chosen = chosen_threads;
  return chosen > 0 ? chosen : omp_get_max_threads();
}

int loop_slot() { return Pool::slot(); }

void for_each_chunk(std::int64_t chunks, int threads, void* context,
                    void (*run)(void* context, std::int64_t chunk)) {
  if (threads < 2 || chunks < 2 || chunks > Pool::kMostChunks || Pool::inside()) {
    const Pool::Alone alone;
    for (std::int64_t i = 0; i < chunks; ++i) run(context, i);
    return;
  }
  // Each thread that trains a model has workers of its own.
  thread_local Pool pool;
  pool.run(chunks, threads, context, run);
}

}  // namespace keel::kernels
