#include "keel/train/metrics.h"

#include <cmath>
#include <limits>

#include "keel/core/tensor_ops.h"
#include "keel/ops/loss.h"
#include "keel/train/non_finite.h"

namespace keel::train {
namespace {

double ratio(double sum, Index n) {
  return n == 0 ? std::numeric_limits<double>::quiet_NaN() : sum / static_cast<double>(n);
}

}  // namespace

Metrics::Metrics(double loss_sum, Index correct, Index examples)
    : loss_sum_(loss_sum), correct_(correct), examples_(examples) {
  check<ValueError>(
      std::isfinite(loss_sum) && correct >= 0 && correct <= examples,
      "[metrics] a finite sum of losses and 0 <= correct <= examples expected, found {}, {} and {}", loss_sum,
      correct, examples);
}

void Metrics::add(double loss, const Tensor& logits, const Tensor& labels) {
  const Tensor predicted = argmax(logits);
  check<ShapeError>(predicted.shape() == labels.shape(), "[metrics] logits {} do not fit labels {}",
                    logits.shape(), labels.shape());
  const Index n = labels.numel();
  for (Index i = 0; i < n; ++i) {
    correct_ += predicted.data<std::int32_t>()[i] == labels.data<std::int32_t>()[i] ? 1 : 0;
  }
  loss_sum_ += loss * static_cast<double>(n);
  examples_ += n;
}

double Metrics::loss() const { return ratio(loss_sum_, examples_); }
double Metrics::accuracy() const { return ratio(static_cast<double>(correct_), examples_); }

Metrics evaluate(nn::Module& model, const data::Batches& batches, const StopRequest& stop,
                 const BatchObserver& observe) {
  const NoGrad no_grad;
  Metrics metrics;
  for (Index i = 0; i < batches.count(); ++i) {
    check<Interrupted>(!stop || !stop(), "[evaluate] interrupted at batch {} of {}", i + 1, batches.count());
    const data::Batch batch = batches.batch(0, i);
    nn::Context context(nn::Mode::evaluation);
    const Variable logits = model.forward(Variable(batch.inputs), context);
    const double loss = softmax_cross_entropy(logits, batch.labels).item();
    if (!std::isfinite(loss)) {
      // abs: the sign of a NaN says nothing, but would be printed.
      throw NonFiniteLoss(fmt::format("loss is {} in evaluation, batch {} of {}: {}", std::abs(loss), i + 1,
                                      batches.count(),
                                      locate_non_finite(model, batch, nn::Context(nn::Mode::evaluation))));
    }
    metrics.add(loss, logits.value(), batch.labels);
    if (observe) observe(logits.value(), batch.labels);
  }
  return metrics;
}

}  // namespace keel::train
