// The one place that starts threads. Work is cut into chunks by size, never by the number of threads.
#pragma once

#include <cstdint>

namespace keel::kernels {

void set_num_threads(int threads);
int num_threads();

// Calls run(context, i) for i in [0, chunks), on several threads if `parallel`, there is more than one chunk,
// and this is not inside another such loop. run must not throw.
void for_each_chunk(std::int64_t chunks, bool parallel, void* context,
                    void (*run)(void* context, std::int64_t chunk));

// For work space that each thread has for itself: a number below num_threads(), not used by two threads of
// one loop at a time.
int loop_slot();

}  // namespace keel::kernels
