// Loops over the rows of a recurrent cell.
#pragma once

#include "kernels/parallel.h"

namespace keel::kernels {
namespace {

// f(row) in chunks of rows of `units` elements; `cost` is the operations an element takes.
template <class F>
void over_rows(Index rows, Index units, double cost, const F& f) {
  constexpr Index kElements = 8192;
  const Index chunk = 0 < units && units < kElements ? kElements / units : 1;
  for_chunks(rows, chunk, static_cast<double>(rows * units) * cost, [&](Index begin, Index end, Index) {
    for (Index r = begin; r < end; ++r) f(r);
  });
}

}  // namespace
}  // namespace keel::kernels
