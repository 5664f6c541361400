#include "study/training.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "keel/core/tensor_ops.h"
#include "keel/nn/model_description.h"
#include "keel/ops/loss.h"
#include "keel/optim/adam.h"
#include "keel/optim/clip.h"
#include "keel/optim/rmsprop.h"
#include "keel/optim/sgd.h"
#include "keel/train/non_finite.h"
#include "study/scaled_dataset.h"

namespace keel::study {
namespace {

// Streams of random numbers of one seed, for what the library has none of.
constexpr std::uint64_t kWeights = 101, kClassBatches = 102;

std::unique_ptr<optim::Optimizer> make_optimizer(const std::string& name, const nn::Module& model) {
  const auto parameters = model.named_parameters();
  if (name == "sgd") return std::make_unique<optim::Sgd>(parameters);
  if (name == "momentum") return std::make_unique<optim::Sgd>(parameters, optim::SgdOptions{.momentum = 0.9});
  if (name == "rmsprop")
    return std::make_unique<optim::RmsProp>(parameters, optim::RmsPropOptions{.momentum = 0.9});
  check<ValueError>(name == "adam", "[study] there is no optimizer '{}'", name);
  return std::make_unique<optim::Adam>(parameters);
}

data::DatasetPtr part_of(const data::DatasetPtr& dataset, const Json& setting, const char* key) {
  const Index size = std::min<Index>(setting.value(key, dataset->size()), dataset->size());
  const double scale = setting.value("input_scale", 1.0);
  const data::DatasetPtr part = data::take(dataset, size);
  return scale == 1 ? part : scaled(part, scale);
}

// Weights are what has fans. The streams depend on how many weights come before, so arms with other layers
// between them start from the same ones.
void draw_weights(nn::Module& model, double deviation, std::uint64_t seed) {
  const Rng rng(seed, kWeights);
  std::uint64_t weights = 0;
  for (const nn::NamedVariable& named : model.named_parameters()) {
    Variable variable = named.variable;
    if (variable.shape().rank() >= 2) {
      Rng stream = rng.substream(weights++);
      nn::normal(0, deviation)(variable.mutable_value(), nn::fans_of(variable.shape()), stream);
    } else if (named.name.ends_with("bias")) {
      variable.mutable_value().fill(0);
    }
  }
}

}  // namespace

Training::Training(const Json& setting, const TrialContext& context)
    : context_(context),
      training_(part_of(context.training, setting, "train_examples")),
      test_(part_of(context.test, setting, "test_examples")),
      batch_size_(setting.at("batch")),
      learning_rate_(setting.at("lr")),
      clip_norm_(setting.value("clip_norm", 0.0)) {
  Json description = setting.at("model");
  if (setting.contains("init")) description["init"] = setting["init"];
  model_ = nn::ModelDescription::parse(description.dump(), "setting")
               .build(training_->example_shape(), training_->num_classes(),
                      Rng(context.seed, Stream::initialization));
  if (setting.contains("init_deviation")) draw_weights(*model_, setting["init_deviation"], context.seed);
  optimizer_ = make_optimizer(setting.at("optimizer"), *model_);
  batches_ = std::make_unique<data::Batches>(
      training_, data::BatchOptions{
                     .batch_size = batch_size_, .shuffle = true, .drop_last = true, .seed = context.seed});
  if (setting.contains("classes_per_batch")) prepare_class_batches(setting["classes_per_batch"]);
  if (setting.contains("first_batch")) show_first_batch(setting["first_batch"]);
}

void Training::show_first_batch(Index examples) {
  const NoGrad no_grad;
  nn::Context nn_context(nn::Mode::training);
  const data::Batches batches(
      training_,
      {.batch_size = std::min(examples, training_->size()), .shuffle = true, .seed = context_.seed});
  model_->forward(Variable(batches.batch(0, 0).inputs), nn_context);
}

void Training::prepare_class_batches(Index classes) {
  classes_per_batch_ = classes;
  of_class_.resize(static_cast<std::size_t>(training_->num_classes()));
  std::vector<std::int32_t> indices(static_cast<std::size_t>(training_->size()));
  std::iota(indices.begin(), indices.end(), 0);
  const Tensor labels = training_->gather(indices).labels;
  for (const std::int32_t i : indices) {
    of_class_[static_cast<std::size_t>(labels.data<std::int32_t>()[i])].push_back(i);
  }
}

data::Batch Training::batch_of(Index step) const {
  if (classes_per_batch_ == 0) {
    return batches_->batch(step / batches_->count(), step % batches_->count());
  }
  Rng rng = Rng(context_.seed, kClassBatches).substream(static_cast<std::uint64_t>(step));
  std::vector<std::int32_t> classes(of_class_.size());
  std::iota(classes.begin(), classes.end(), 0);
  rng.shuffle(classes);
  std::vector<std::int32_t> indices;
  for (Index i = 0; i < batch_size_; ++i) {
    const auto& examples =
        of_class_[static_cast<std::size_t>(classes[static_cast<std::size_t>(i % classes_per_batch_)])];
    indices.push_back(examples[static_cast<std::size_t>(rng.below(static_cast<Index>(examples.size())))]);
  }
  return training_->gather(indices);
}

double Training::compute_gradients(const data::Batch& batch) {
  optimizer_->clear_grad();
  nn::Context context(nn::Mode::training,
                      Rng(context_.seed, Stream::dropout).substream(static_cast<std::uint64_t>(step_)));
  const Variable loss = softmax_cross_entropy(model_->forward(Variable(batch.inputs), context), batch.labels);
  const double value = loss.item();
  if (std::isfinite(value)) loss.backward();
  return value;
}

bool Training::gradients_are_finite() const {
  const std::vector<Variable> parameters = model_->parameters();
  return std::all_of(parameters.begin(), parameters.end(),
                     [](const Variable& p) { return !p.grad().defined() || all_finite(p.grad()); });
}

bool Training::step() {
  check<train::Interrupted>(!context_.interrupted || !context_.interrupted(), "[study] interrupted");
  if (diverged_) return false;
  loss_ = compute_gradients(batch_of(step_));
  diverged_ = !std::isfinite(loss_);
  if (diverged_) return false;
  if (clip_norm_ > 0) {
    try {
      optim::clip_gradients_by_norm(model_->named_parameters(), clip_norm_);
    } catch (const ValueError&) {
      // A norm that is not finite; all else that it throws is an error.
      if (gradients_are_finite()) throw;
      diverged_ = true;
      return false;
    }
  }
  optimizer_->step(learning_rate_);
  ++step_;
  return true;
}

std::optional<train::Metrics> Training::test() const {
  // The statistics that normalisations keep may not be finite either, which evaluation refuses.
  if (diverged_) return std::nullopt;
  constexpr Index kBatch = 500;
  const data::Batches batches(test_, {.batch_size = std::min(kBatch, test_->size())});
  try {
    return train::evaluate(*model_, batches, context_.interrupted);
  } catch (const train::NonFiniteLoss&) {
    return std::nullopt;
  }
}

double training_seconds(const Json& setting) {
  constexpr double kTestSize = 10000, kStep = 40e-6, kOperationsPerSecond = 8e10, kForwardAndBack = 6;
  // Of the layers' widths, as an upper bound of what others have.
  double parameters = 0, inputs = 784;
  const auto& model = setting.at("model");
  if (!model.contains("layers")) return 60;
  double layers = 0;
  for (const Json& layer : model["layers"]) {
    ++layers;
    if (layer.at("layer") == "lstm") {
      // Its weights count at each of 28 steps.
      const double units = layer.at("units");
      parameters += 28 * 4 * units * (units + 28);
      layers += 28 * 10;
      inputs = units;
    }
    if (layer.at("layer") != "dense") continue;
    const double units = layer.at("units").is_number() ? layer["units"].get<double>() : 10;
    parameters += inputs * units;
    inputs = units;
  }
  const double steps = setting.value("steps", 0.0), batch = setting.value("batch", 1.0);
  const double every = setting.value("evaluate_every", 0.0);
  const double evaluations = every > 0 ? steps / every : 1;
  const double per_example = kForwardAndBack * parameters / kOperationsPerSecond;
  return steps * (kStep + layers * 8e-6 + batch * per_example) +
         evaluations * setting.value("test_examples", kTestSize) * per_example / 3;
}

}  // namespace keel::study
