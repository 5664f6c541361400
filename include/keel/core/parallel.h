// Loops over several threads whose results do not depend on how many there are.
#pragma once

#include <functional>

#include "keel/core/shape.h"

namespace keel {

// Threads used by every operation from now on, whichever thread calls it. throws: ValueError if threads < 1.
void set_num_threads(int threads);
int num_threads();

// Calls body(begin, end) for the chunks [0, chunk), [chunk, 2 chunk), ... of [0, n), in any order and on
// several threads. The cut depends on n and chunk only, never on the number of threads, so a body that keeps
// one partial result per chunk, combined in order of index, gives the same bits for any number of threads.
// throws: ValueError if chunk < 1; what a body throws (the chunk of lowest index first), when all have ended.
void parallel_for(Index n, Index chunk, const std::function<void(Index begin, Index end)>& body);

}  // namespace keel
