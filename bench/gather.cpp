#include <fmt/format.h>

#include "images.h"
#include "keel/data/batches.h"
#include "measure.h"

namespace keel::bench {
namespace {

void run(benchmark::State& state, Index batch, int threads) {
  const data::Batches batches(images(), {.batch_size = batch, .shuffle = true, .drop_last = true, .seed = 1});
  Index i = 0;
  // A byte read and a float written for each pixel.
  const double bytes = 5.0 * static_cast<double>(batch * images()->example_shape().numel());
  measure(state, threads, {.bytes = bytes, .examples = static_cast<double>(batch)},
          [&] { benchmark::DoNotOptimize(batches.batch(1, i++ % batches.count())); });
}

void add() {
  for_threads([](int threads) {
    for (const Index batch : {32, 128, 512}) {
      add_benchmark(fmt::format("op/gather/batch:{}/threads:{}", batch, threads), Clock::wall,
                    [=](benchmark::State& state) { run(state, batch, threads); });
    }
  });
}

const Registration registration(add);

}  // namespace
}  // namespace keel::bench
