// Inference with BatchNorm as it was trained, and folded into its neighbours.
#include <fmt/format.h>

#include "images.h"
#include "keel/data/batches.h"
#include "keel/nn/fold_batch_norm.h"
#include "keel/nn/model_description.h"
#include "measure.h"

namespace keel::bench {
namespace {

std::shared_ptr<nn::Sequential> build(const std::string& model, bool folded) {
  const auto description = nn::ModelDescription::named(model, {.batch_norm = true});
  const auto trained = description.build({28, 28, 1}, 10, Rng(1, Stream::initialization));
  return folded ? nn::fold_batch_norm(*trained).model : trained;
}

void run(benchmark::State& state, const std::string& model, bool folded, Index batch, int threads) {
  const auto layers = build(model, folded);
  const data::Batches batches(images(), {.batch_size = batch});
  const Variable x(batches.batch(0, 0).inputs);
  const NoGrad no_grad;
  measure(state, threads, {.examples = static_cast<double>(batch)}, [&] {
    nn::Context context(nn::Mode::evaluation);
    layers->forward(x, context);
  });
}

void add() {
  for_threads([](int threads) {
    for (const std::string model : {"mlp", "cnn", "resnet20"}) {
      for (const bool folded : {false, true}) {
        for (const Index batch : {1, 256}) {
          add_benchmark(fmt::format("inference/{}/{}/batch:{}/threads:{}", model, folded ? "folded" : "bn",
                                    batch, threads),
                        Clock::wall,
                        [=](benchmark::State& state) { run(state, model, folded, batch, threads); });
        }
      }
    }
  });
}

const Registration registration(add);

}  // namespace
}  // namespace keel::bench
