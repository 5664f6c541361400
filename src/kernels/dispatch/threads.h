// The one place that starts threads. Work is cut into chunks by size, never by the number of threads.
#pragma once

#include <cstdint>

namespace keel::kernels {

void set_num_threads(int threads);
int num_threads();

// Calls run(context, i) for i in [0, chunks), on up to `threads` threads: on one if there is one chunk, and
// inside another such loop. run must not throw.
void for_each_chunk(std::int64_t chunks, int threads, void* context,
                    void (*run)(void* context, std::int64_t chunk));

// For work space that each thread has for itself: a number below the `threads` of the innermost loop that the
// caller is inside, not used by two threads of that loop at a time.
int loop_slot();

}  // namespace keel::kernels
