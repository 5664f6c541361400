// Benchmarks on request, for a program that measures them in turn with something else.
#pragma once

#include <iosfwd>

namespace keel::bench {

// Each line of `in` is a filter. Runs the benchmarks it matches and writes one line to `out`, a JSON array:
//   [{"name": "step/mlp/bn/batch:32/threads:1", "seconds": [1.5e-4, ...], "counters": {"examples/s": 2e5}},
//   ...]
// with the wall time of one call for each repetition, and medians of the counters; or {"name": ..., "error":
// ...}.
void serve(std::istream& in, std::ostream& out);

}  // namespace keel::bench
