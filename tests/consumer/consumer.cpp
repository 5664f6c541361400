#include "keel/autograd/gradcheck.h"
#include "keel/data/mnist.h"
#include "keel/nn/models.h"
#include "keel/ops/arithmetic.h"
#include "keel/optim/adam.h"
#include "keel/train/csv_log.h"
#include "keel/train/fit.h"
#include "keel/train/progress.h"
#include "keel/train/summary.h"

// Its own layer and operations, where the library's templates are used.
struct Scale final : keel::nn::Layer<Scale> {
  keel::nn::Parameter factor = parameter("factor", keel::Tensor::ones({1}));
  keel::Variable forward(const keel::Variable& x, keel::nn::Context&) override { return x * factor; }
};

void train(const keel::data::Batches& training, const keel::data::Batches& validation) {
  const auto model = keel::nn::mlp(keel::Rng(1, keel::Stream::initialization), {.batch_norm = true});
  model->add<Scale>();
  keel::optim::Adam adam(model->named_parameters());
  keel::train::fit(*model, adam, training, validation, {.epochs = 1});
}
