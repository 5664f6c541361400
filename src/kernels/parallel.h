// for_chunks: a loop over [0, n) in chunks of fixed size, for kernels.
#pragma once

#include "kernels/dispatch/threads.h"
#include "kernels/kernel.h"

namespace keel::kernels {

// Loops below about this many elementary operations (an addition with its loads and stores), some 20
// microseconds, run on one thread: telling the others of a loop and collecting what they did takes one or
// two microseconds, and several times that when they have gone to sleep.
inline constexpr double kParallelWork = 200e3;

namespace {

inline Index num_chunks(Index n, Index chunk) { return (n + chunk - 1) / chunk; }

// body(begin, end, chunk) for each chunk; on several threads if the whole loop's `work` is worth it. The cut
// depends on n and chunk only: keep one partial result per chunk, add them in order, and the bits depend on
// nothing else. `threads`: at most so many, for a body that has work space by loop_slot().
template <class Body>
void for_chunks(Index n, Index chunk, double work, int threads, const Body& body) {
  struct Context {
    const Body& body;
    Index n, chunk;
  } context{body, n, chunk};
  for_each_chunk(num_chunks(n, chunk), work >= kParallelWork ? threads : 1, &context,
                 [](void* pointer, Index i) {
                   const Context& c = *static_cast<Context*>(pointer);
                   const Index begin = i * c.chunk;
                   const Index end = begin + c.chunk < c.n ? begin + c.chunk : c.n;
                   c.body(begin, end, i);
                 });
}
template <class Body>
void for_chunks(Index n, Index chunk, double work, const Body& body) {
  for_chunks(n, chunk, work, num_threads(), body);
}

}  // namespace
}  // namespace keel::kernels
