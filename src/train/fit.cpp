#include "keel/train/fit.h"

#include <chrono>
#include <cmath>

#include "keel/ops/arithmetic.h"
#include "keel/ops/loss.h"
#include "keel/optim/clip.h"
#include "keel/train/metrics.h"
#include "keel/train/non_finite.h"

namespace keel::train {
namespace {

class Stopwatch {
 public:
  explicit Stopwatch(double before = 0) : before_(before) {}
  double seconds() const {
    return before_ + std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  double before_;
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
        callbacks_(callbacks),
        state_(options.start) {}

  FitResult run() {
    const Ending ending = run_epochs();
    show_state(Moment::end);
    return {std::move(state_.log), ending};
  }

 private:
  Ending run_epochs() {
    try {
      if (state_.epoch == 0) record_before_training();
      while (state_.epoch <= options_.epochs) {
        if (should_stop(options_.early_stopping, state_.log)) return Ending::stopped_early;
        if (!run_epoch()) return Ending::interrupted;
      }
      return Ending::finished;
    } catch (const Interrupted&) {
      return Ending::interrupted;
    }
  }

  bool interrupted() const { return options_.interrupted && options_.interrupted(); }

  void show_state(Moment moment) const {
    for (const auto& callback : callbacks_) callback->on_state(state_, moment);
  }

  // evaluate(), but for an error that also tells how far training has come.
  Metrics evaluate_now(const data::Batches& batches) const {
    try {
      return evaluate(model_, batches, options_.interrupted);
    } catch (const NonFiniteLoss& error) {
      throw NonFiniteLoss(
          fmt::format("after step {} (epoch {}): {}", state_.step, state_.epoch, error.what()));
    }
  }

  // Ends an epoch: what is interrupted before its row is complete validates again when it goes on.
  void record(const Metrics& train, double learning_rate, const Stopwatch& stopwatch) {
    const Metrics validation = evaluate_now(validation_);
    const EpochRecord record = {.epoch = state_.epoch,
                                .step = state_.step,
                                .train_loss = train.loss(),
                                .train_accuracy = train.accuracy(),
                                .val_loss = validation.loss(),
                                .val_accuracy = validation.accuracy(),
                                .learning_rate = learning_rate,
                                .seconds = stopwatch.seconds()};
    state_.log.push_back(record);
    ++state_.epoch;
    state_.batch = 0;
    state_.training = Metrics();
    state_.seconds = 0;
    for (const auto& callback : callbacks_) callback->on_epoch(record);
    show_state(Moment::epoch);
  }

  void record_before_training() {
    const Stopwatch stopwatch;
    // In batches like those of validation, which need not be as small as those of training.
    const Metrics train = evaluate_now(training_.in_order(validation_.options().batch_size));
    record(train, options_.schedule(0), stopwatch);
  }

  // False if it was interrupted between two steps.
  bool run_epoch() {
    const Stopwatch stopwatch(state_.seconds);
    while (state_.batch < training_.count()) {
      if (interrupted()) return false;
      train_step();
      state_.seconds = stopwatch.seconds();
      const StepRecord step{state_.epoch, state_.batch, training_.count(), state_.training.examples(),
                            state_.training.loss()};
      for (const auto& callback : callbacks_) callback->on_step(step);
      show_state(Moment::step);
    }
    record(state_.training, state_.learning_rate, stopwatch);
    return true;
  }

  // The same stream whenever step `step_` is run.
  nn::Context context() const {
    return nn::Context(
        nn::Mode::training,
        Rng(options_.seed, Stream::dropout).substream(static_cast<std::uint64_t>(state_.step)));
  }

  void train_step() {
    const data::Batch batch = training_.batch(state_.epoch, state_.batch);
    nn::Context forward_context = context();
    const Variable logits = model_.forward(Variable(batch.inputs), forward_context);
    const Variable loss = softmax_cross_entropy(logits, batch.labels);
    const double value = loss.item();
    if (!std::isfinite(value)) {
      // abs: the sign of a NaN says nothing, but would be printed.
      throw NonFiniteLoss(fmt::format("loss is {} at step {} (epoch {}, batch {} of {}): {}", std::abs(value),
                                      state_.step + 1, state_.epoch, state_.batch + 1, training_.count(),
                                      locate_non_finite(model_, batch, context())));
    }
    const Variable penalty = penalty_now();
    optimizer_.clear_grad();
    (penalty.defined() ? loss + penalty : loss).backward();
    if (!all_trained_) require_all_trained();
    all_trained_ = true;
    for (const auto& callback : callbacks_) callback->on_gradients(state_.step);
    clip_gradients();
    state_.learning_rate = options_.schedule(state_.step);
    optimizer_.step(state_.learning_rate);
    model_.apply_constraints();
    ++state_.step;
    ++state_.batch;
    state_.training.add(value, logits.value(), batch.labels);
  }

  Variable penalty_now() const {
    const Variable penalty = model_.penalty();
    if (penalty.defined() && !std::isfinite(penalty.item())) {
      throw NonFiniteLoss(fmt::format("the penalty of the regularizers is {} at step {} (epoch {})",
                                      std::abs(penalty.item()), state_.step + 1, state_.epoch));
    }
    return penalty;
  }

  void clip_gradients() const {
    if (options_.clipping.max_norm > 0) {
      try {
        optim::clip_gradients_by_norm(optimizer_.groups(), options_.clipping.max_norm);
      } catch (const ValueError& error) {
        throw NonFiniteLoss(
            fmt::format("at step {} (epoch {}): {}", state_.step + 1, state_.epoch, error.what()));
      }
    }
    if (options_.clipping.max_value > 0) {
      optim::clip_gradients_by_value(optimizer_.groups(), options_.clipping.max_value);
    }
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
  FitState state_;
  bool all_trained_ = false;  // has been checked
};

// Runs the model over the first `size` examples, and those anew if there are fewer.
void run_batch(nn::Module& model, const data::Dataset& dataset, nn::Mode mode, Index size) {
  std::vector<std::int32_t> indices(static_cast<std::size_t>(size));
  for (Index i = 0; i < size; ++i) {
    indices[static_cast<std::size_t>(i)] = static_cast<std::int32_t>(i % dataset.size());
  }
  const NoGrad no_grad;
  nn::Context context(mode);
  model.forward(Variable(dataset.gather(indices).inputs), context);
}

// Whether the model takes a batch of twice the size, with the same examples in it and others.
bool takes_more(const nn::Module& model, const data::Dataset& dataset, nn::Mode mode, Index size) {
  try {
    run_batch(*model.clone(), dataset, mode, 2 * size);
    return true;
  } catch (const Error&) {
    return false;
  }
}

void require_state_of(const data::Batches& training, const FitState& state) {
  const Index batches = training.count();
  const bool in_an_epoch = state.epoch >= 1 && state.batch >= 0 && state.batch <= batches &&
                           state.step == (state.epoch - 1) * batches + state.batch;
  const bool before_all = state.epoch == 0 && state.batch == 0 && state.step == 0;
  check<ValueError>(
      in_an_epoch || before_all,
      "[fit] a run that stands at epoch {}, batch {}, step {} is none over epochs of {} batches", state.epoch,
      state.batch, state.step, batches);
  check<ValueError>(static_cast<Index>(state.log.size()) == state.epoch,
                    "[fit] a run that stands at epoch {} has as many rows in its log, found {}", state.epoch,
                    state.log.size());
}

}  // namespace

void check_batches(nn::Module& model, const data::Batches& batches, nn::Mode mode) {
  const auto copy = model.clone();
  const data::Dataset& dataset = batches.dataset();
  std::vector<Index> sizes = {batches.size_of(0)};
  if (batches.size_of_last() != sizes[0]) sizes.push_back(batches.size_of_last());
  for (const Index size : sizes) {
    try {
      run_batch(*copy, dataset, mode, size);
    } catch (const Error& error) {
      if (!takes_more(model, dataset, mode, size)) throw;
      throw BatchSizeError(fmt::format("{} {} examples in batches of {} leave a batch of {}: {}",
                                       dataset.size(),
                                       mode == nn::Mode::training ? "training" : "validation or test",
                                       batches.options().batch_size, size, error.what()));
    }
  }
}

FitResult fit(nn::Module& model, optim::Optimizer& optimizer, const data::Batches& training,
              const data::Batches& validation, const FitOptions& options,
              const std::vector<std::shared_ptr<Callback>>& callbacks) {
  check<ValueError>(options.epochs >= 1, "[fit] expected at least 1 epoch, found {}", options.epochs);
  require_state_of(training, options.start);
  const auto is_limit = [](double x) { return std::isfinite(x) && x >= 0; };
  check<ValueError>(
      is_limit(options.clipping.max_norm) && is_limit(options.clipping.max_value),
      "[fit] finite limits of at least 0 expected for clipping, found max_norm {}, max_value {}",
      options.clipping.max_norm, options.clipping.max_value);
  check_batches(model, training);
  return Loop(model, optimizer, training, validation, options, callbacks).run();
}

}  // namespace keel::train
