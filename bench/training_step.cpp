// Whole training steps of the models of the MNIST experiment, as fit() runs them.
#include <fmt/format.h>

#include "images.h"
#include "keel/data/batches.h"
#include "keel/nn/models.h"
#include "keel/ops/loss.h"
#include "keel/optim/adam.h"
#include "keel/train/metrics.h"
#include "measure.h"
#include "memory.h"

namespace keel::bench {
namespace {

struct Setting {
  const char* model;
  bool batch_norm;
  Index batch;
};

std::shared_ptr<nn::Sequential> build(const Setting& setting) {
  const bool mlp = std::string(setting.model) == "mlp";
  const nn::ClassifierOptions options = {
      .batch_norm = setting.batch_norm,
      .norm_position = mlp ? nn::NormPosition::after_activation : nn::NormPosition::before_activation};
  const Rng rng(1, Stream::initialization);
  return mlp ? nn::mlp(rng, options) : nn::cnn(rng, options);
}

class Trainer {
 public:
  explicit Trainer(const Setting& setting)
      : model_(build(setting)),
        adam_(model_->named_parameters()),
        batches_(images(), {.batch_size = setting.batch, .shuffle = true, .drop_last = true, .seed = 1}) {}

  void step() {
    const Index epoch = 1 + step_ / batches_.count();
    const data::Batch batch = batches_.batch(epoch, step_ % batches_.count());
    nn::Context context(nn::Mode::training);
    const Variable logits = model_->forward(Variable(batch.inputs), context);
    const Variable loss = softmax_cross_entropy(logits, batch.labels);
    const double value = loss.item();
    adam_.clear_grad();
    loss.backward();
    adam_.step(1e-3);
    ++step_;
    metrics_.add(value, logits.value(), batch.labels);
  }

  double loss() const { return metrics_.loss(); }

 private:
  std::shared_ptr<nn::Sequential> model_;
  optim::Adam adam_;
  data::Batches batches_;
  train::Metrics metrics_;
  Index step_ = 0;
};

void run(benchmark::State& state, const Setting& setting, int threads) {
  images();
  const MemoryPeak memory;
  Trainer trainer(setting);
  measure(state, threads, {.examples = static_cast<double>(setting.batch)}, [&] { trainer.step(); });
  state.counters["process_MB"] = static_cast<double>(memory.of_process()) / 1e6;
  state.counters["model_MB"] = static_cast<double>(memory.above_start()) / 1e6;
  if (!(trainer.loss() > 0 && trainer.loss() < 5))
    state.SkipWithError("the loss is not that of a model that learns");
}

void add() {
  for_threads([](int threads) {
    for (const char* model : {"mlp", "cnn"}) {
      for (const bool batch_norm : {false, true}) {
        for (const Index batch : {32, 64, 128, 512}) {
          const Setting setting{model, batch_norm, batch};
          add_benchmark(fmt::format("step/{}/{}/batch:{}/threads:{}", model, batch_norm ? "bn" : "no_bn",
                                    batch, threads),
                        Clock::wall, [=](benchmark::State& state) { run(state, setting, threads); });
        }
      }
    }
  });
}

const Registration registration(add);

}  // namespace
}  // namespace keel::bench
