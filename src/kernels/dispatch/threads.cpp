#include "kernels/dispatch/threads.h"

#include <omp.h>

namespace keel::kernels {

void set_num_threads(int threads) { omp_set_num_threads(threads); }

int num_threads() { return omp_get_max_threads(); }

void for_each_chunk(std::int64_t chunks, bool parallel, void* context,
                    void (*run)(void* context, std::int64_t chunk)) {
  if (!parallel || chunks < 2 || omp_in_parallel() || omp_get_max_threads() == 1) {
    for (std::int64_t i = 0; i < chunks; ++i) run(context, i);
    return;
  }
#pragma omp parallel for schedule(dynamic, 1)
  for (std::int64_t i = 0; i < chunks; ++i) run(context, i);
}

}  // namespace keel::kernels
