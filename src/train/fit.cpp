#include "keel/train/fit.h"

#include <chrono>
#include <cmath>
#include <numeric>

#include "keel/ops/loss.h"
#include "keel/train/metrics.h"
#include "keel/train/non_finite.h"

namespace keel::train {
namespace {

class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

class Loop {
 public:
  Loop(nn::Module& model, optim::Optimizer& optimizer, const data::Batches& training,
       const data::Batches& validation, const FitOptions& options,
       const std::vector<std::shared_ptr<Callback>>& callbacks)
      : model_(model),
        optimizer_(optimizer),
        training_(training),
        validation_(validation),
        options_(options),
        callbacks_(callbacks) {}

  std::vector<EpochRecord> run() {
    record_before_training();
    for (Index epoch = 1; epoch <= options_.epochs; ++epoch) run_epoch(epoch);
    return std::move(log_);
  }

 private:
  // evaluate(), but for an error that also tells how far training has come.
  Metrics evaluate_now(const data::Batches& batches, Index epoch) const {
    try {
      return evaluate(model_, batches);
    } catch (const NonFiniteLoss& error) {
      throw NonFiniteLoss(fmt::format("after step {} (epoch {}): {}", step_, epoch, error.what()));
    }
  }

  void record(EpochRecord record, const Metrics& train, const Stopwatch& stopwatch) {
    const Metrics validation = evaluate_now(validation_, record.epoch);
    record.step = step_;
    record.train_loss = train.loss();
    record.train_accuracy = train.accuracy();
    record.val_loss = validation.loss();
    record.val_accuracy = validation.accuracy();
    record.seconds = stopwatch.seconds();
    log_.push_back(record);
    for (const auto& callback : callbacks_) callback->on_epoch(record);
  }

  void record_before_training() {
    const Stopwatch stopwatch;
    // In batches like those of validation, which need not be as small as those of training.
    const Metrics train = evaluate_now(training_.in_order(validation_.options().batch_size), 0);
    record({.epoch = 0, .learning_rate = options_.schedule(0)}, train, stopwatch);
  }

  void run_epoch(Index epoch) {
    const Stopwatch stopwatch;
    Metrics metrics;
    for (Index i = 0; i < training_.count(); ++i) {
      train_step(epoch, i, metrics);
      const StepRecord step{epoch, i + 1, training_.count(), metrics.examples(), metrics.loss()};
      for (const auto& callback : callbacks_) callback->on_step(step);
    }
    record({.epoch = epoch, .learning_rate = learning_rate_}, metrics, stopwatch);
  }

  // The same stream whenever step `step_` is run.
  nn::Context context() const {
    return nn::Context(nn::Mode::training,
                       Rng(options_.seed, Stream::dropout).substream(static_cast<std::uint64_t>(step_)));
  }

  void train_step(Index epoch, Index i, Metrics& metrics) {
    const data::Batch batch = training_.batch(epoch, i);
    nn::Context forward_context = context();
    const Variable logits = model_.forward(Variable(batch.inputs), forward_context);
    const Variable loss = softmax_cross_entropy(logits, batch.labels);
    const double value = loss.item();
    if (!std::isfinite(value)) {
      // abs: the sign of a NaN says nothing, but would be printed.
      throw NonFiniteLoss(fmt::format("loss is {} at step {} (epoch {}, batch {} of {}): {}", std::abs(value),
                                      step_ + 1, epoch, i + 1, training_.count(),
                                      locate_non_finite(model_, batch, context())));
    }
    optimizer_.clear_grad();
    loss.backward();
    if (step_ == 0) require_all_trained();
    learning_rate_ = options_.schedule(step_);
    optimizer_.step(learning_rate_);
    ++step_;
    metrics.add(value, logits.value(), batch.labels);
  }

  void require_all_trained() const {
    const std::vector<std::string> left_out = optimizer_.parameters_without_gradient();
    check(left_out.empty(), "[fit] these parameters get no gradient and would stay as they are: {}",
          fmt::join(left_out, ", "));
    std::vector<std::string> unknown;
    for (const nn::NamedVariable& named : model_.named_parameters()) {
      if (named.variable.requires_grad() && !is_optimized(named.variable)) unknown.push_back(named.name);
    }
    check(unknown.empty(),
          "[fit] these parameters are not in the optimizer and would stay as they are: {}; if that is meant, "
          "set_requires_grad(false)",
          fmt::join(unknown, ", "));
  }

  bool is_optimized(const Variable& parameter) const {
    for (const optim::ParameterGroup& group : optimizer_.groups()) {
      for (const optim::NamedParameter& named : group.parameters) {
        if (named.variable == parameter) return true;
      }
    }
    return false;
  }

  nn::Module& model_;
  optim::Optimizer& optimizer_;
  const data::Batches& training_;
  const data::Batches& validation_;
  const FitOptions& options_;
  const std::vector<std::shared_ptr<Callback>>& callbacks_;
  std::vector<EpochRecord> log_;
  Index step_ = 0;
  double learning_rate_ = 0;
};

// Puts the batch in front of what a layer threw, keeping the type of the error.
template <class E>
[[noreturn]] void rethrow_with_batch(const E& error, const data::Batches& training, Index size) {
  throw E(fmt::format("{} training examples in batches of {} leave a batch of {}: {}",
                      training.dataset().size(), training.options().batch_size, size, error.what()));
}

}  // namespace

void check_batches(nn::Module& model, const data::Batches& training) {
  const auto copy = model.clone();
  std::vector<Index> sizes = {training.size_of(0)};
  if (training.size_of_last() != sizes[0]) sizes.push_back(training.size_of_last());
  for (const Index size : sizes) {
    std::vector<std::int32_t> indices(static_cast<std::size_t>(size));
    std::iota(indices.begin(), indices.end(), 0);
    const NoGrad no_grad;
    nn::Context context(nn::Mode::training);
    try {
      copy->forward(Variable(training.dataset().gather(indices).inputs), context);
    } catch (const ValueError& error) {
      rethrow_with_batch(error, training, size);
    } catch (const ShapeError& error) {
      rethrow_with_batch(error, training, size);
    }
  }
}

std::vector<EpochRecord> fit(nn::Module& model, optim::Optimizer& optimizer, const data::Batches& training,
                             const data::Batches& validation, const FitOptions& options,
                             const std::vector<std::shared_ptr<Callback>>& callbacks) {
  check<ValueError>(options.epochs >= 1, "[fit] expected at least 1 epoch, found {}", options.epochs);
  check_batches(model, training);
  return Loop(model, optimizer, training, validation, options, callbacks).run();
}

}  // namespace keel::train
