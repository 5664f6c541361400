#include "support/optimizer_options.h"

#include <charconv>

#include "keel/optim/adam.h"
#include "keel/optim/rmsprop.h"
#include "keel/optim/sgd.h"

namespace keel::apps {
namespace {

const std::vector<std::string> kOptimizers = {"adam", "adamw", "rmsprop", "sgd"};
const std::vector<std::string> kSchedules = {"constant", "step", "cosine"};

bool is_not_negative(double x) { return x >= 0; }
bool is_positive(double x) { return x > 0; }
bool is_decay_rate(double x) { return x >= 0 && x < 1; }

double momentum_of(const CommandLine& command) {
  return command.real("momentum", "a number from 0 to below 1", is_decay_rate);
}

// The optimiser's own default, unless it was given.
double weight_decay_of(const CommandLine& command) {
  if (command.text("weight-decay") == "auto") {
    return command.text("optimizer") == "adamw" ? optim::AdamOptions::adamw().weight_decay : 0;
  }
  return command.real("weight-decay", "a number of at least 0, or auto", is_not_negative);
}

}  // namespace

void add_optimizer_options(CommandLine& command) {
  command.add("optimizer", "adam|adamw|rmsprop|sgd", "adam", "How gradients change the weights");
  command.add_number("lr", "RATE", "0.001", "Learning rate, above 0; schedules start from it");
  command.add_number("weight-decay", "D|auto", "auto",
                     "Decoupled for adamw, L2 for the others; auto: 0.01 for adamw, otherwise 0");
  command.add_flag("decay-all", "Decay biases and the scale and shift of norm layers as well");
  command.add_number("momentum", "M", "0.9", "For rmsprop and sgd, 0 <= M < 1");
  command.add_flag("nesterov", "For sgd: Nesterov's momentum");
  command.add_number("alpha", "A", "0.99",
                     "For rmsprop, 0 <= A < 1: share of the mean squared gradient that is kept at each step");
  command.add_number("beta1", "B", "0.9",
                     "For adam and adamw, 0 <= B < 1: share of the mean gradient that is kept at each step");
  command.add_number("beta2", "B", "0.999", "For adam and adamw: the same of the mean squared gradient");
  command.add_number("adam-epsilon", "E", "1e-8",
                     "For adam and adamw, above 0: added to the root of the mean squared gradient");
  command.add("schedule", "constant|step|cosine", "constant",
              "How the learning rate changes. step: times --decay-factor after every --decay-every; cosine: "
              "down to --final-lr at the end of the last epoch");
  command.add_number("decay-every", "N|Nsteps", "10", "For step: every N epochs, or N steps (500steps)");
  command.add_number("decay-factor", "F", "0.1", "For step, above 0: what the rate is multiplied by");
  command.add_number("final-lr", "RATE", "0", "For cosine: the rate that it ends at");
  command.add_number("warmup", "N|Nsteps", "0",
                     "Epochs or steps over which the rate first rises to its schedule");
  command.add_number("clip-norm", "X", "0", "Scale all gradients together down to this norm; 0: off");
  command.add_number("clip-value", "X", "0", "Cut each element of a gradient off at X and -X; 0: off");
  command.add_number("early-stopping", "N", "0",
                     "Stop after N epochs without a better validation loss; 0: never");
  command.add_number("min-delta", "D", "0",
                     "For early stopping: a loss is better if it is lower by more than D");
}

EpochsOrSteps epochs_or_steps(const CommandLine& command, const std::string& name, Index least) {
  const std::string& text = command.text(name);
  Index number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string unit(end, text.data() + text.size());
  const bool steps = unit == "steps" || unit == "step";
  if (error != std::errc() || number < least ||
      !(steps || unit.empty() || unit == "epochs" || unit == "epoch")) {
    throw UsageError(
        fmt::format("--{}: expected a number of epochs (5) or steps (100steps) of at least {}, found '{}'",
                    name, least, text));
  }
  return {number, steps};
}

void settle_optimizer_options(CommandLine& command) {
  const std::string& optimizer = command.choice("optimizer", kOptimizers);
  const std::string& schedule = command.choice("schedule", kSchedules);
  const bool sgd = optimizer == "sgd", rmsprop = optimizer == "rmsprop";
  const auto only_for = [&](bool applies, const char* option, const std::string& choice,
                            const std::string& found) {
    command.only_if(applies, option, fmt::format("with {} only, found {}", choice, found));
  };
  only_for(sgd || rmsprop, "momentum", "--optimizer rmsprop or sgd", "--optimizer " + optimizer);
  only_for(sgd, "nesterov", "--optimizer sgd", "--optimizer " + optimizer);
  only_for(rmsprop, "alpha", "--optimizer rmsprop", "--optimizer " + optimizer);
  for (const char* option : {"beta1", "beta2", "adam-epsilon"}) {
    only_for(!sgd && !rmsprop, option, "--optimizer adam or adamw", "--optimizer " + optimizer);
  }
  for (const char* option : {"decay-every", "decay-factor"}) {
    only_for(schedule == "step", option, "--schedule step", "--schedule " + schedule);
  }
  only_for(schedule == "cosine", "final-lr", "--schedule cosine", "--schedule " + schedule);
  command.only_if(momentum_of(command) > 0, "nesterov", "with a --momentum above 0, found 0");
  command.only_if(weight_decay_of(command) > 0, "decay-all", "with a --weight-decay above 0 only");
  command.only_if(early_stopping_of(command).patience > 0, "min-delta",
                  "with an --early-stopping above 0 only");
}

std::unique_ptr<optim::Optimizer> optimizer_of(const CommandLine& command, const nn::Module& model) {
  const std::string& name = command.choice("optimizer", kOptimizers);
  const optim::ParameterGroups groups =
      command.flag("decay-all") ? optim::ParameterGroups(model.named_parameters())
                                : optim::ParameterGroups(optim::split_for_decay(model.named_parameters()));
  if (name == "sgd") {
    const optim::SgdOptions options = {.momentum = momentum_of(command),
                                       .nesterov = command.flag("nesterov"),
                                       .weight_decay = weight_decay_of(command)};
    return std::make_unique<optim::Sgd>(groups, options);
  }
  if (name == "rmsprop") {
    const optim::RmsPropOptions options = {
        .alpha = command.real("alpha", "a number from 0 to below 1", is_decay_rate),
        .momentum = momentum_of(command),
        .weight_decay = weight_decay_of(command)};
    return std::make_unique<optim::RmsProp>(groups, options);
  }
  optim::AdamOptions options = name == "adamw" ? optim::AdamOptions::adamw() : optim::AdamOptions();
  options.beta1 = command.real("beta1", "a number from 0 to below 1", is_decay_rate);
  options.beta2 = command.real("beta2", "a number from 0 to below 1", is_decay_rate);
  options.epsilon = command.real("adam-epsilon", "a number above 0", is_positive);
  options.weight_decay = weight_decay_of(command);
  return std::make_unique<optim::Adam>(groups, options);
}

optim::Schedule schedule_of(const CommandLine& command, Index epochs, Index batches) {
  const std::string& name = command.choice("schedule", kSchedules);
  const auto steps_in = [&](const char* option, Index least) {
    const EpochsOrSteps length = epochs_or_steps(command, option, least);
    if (length.number > std::numeric_limits<Index>::max() / batches) {
      throw UsageError(fmt::format("--{}: expected a number of steps below 2^63, found {} epochs of {}",
                                   option, length.number, batches));
    }
    return length.steps ? length.number : length.number * batches;
  };
  const double rate = command.real("lr", "a number above 0", is_positive);
  optim::Schedule schedule = optim::constant(rate);
  if (name == "step") {
    schedule = optim::step_decay({.initial = rate,
                                  .every = steps_in("decay-every", 1),
                                  .factor = command.real("decay-factor", "a number above 0", is_positive)});
  } else if (name == "cosine") {
    schedule = optim::cosine({.initial = rate,
                              .steps = epochs * batches,
                              .final = command.real("final-lr", "a number of at least 0", is_not_negative)});
  }
  const Index warmup = steps_in("warmup", 0);
  if (warmup > epochs * batches) {
    throw UsageError(
        fmt::format("--warmup: expected at most the {} steps of the run ({} epochs of {}), found {}",
                    epochs * batches, epochs, batches, warmup));
  }
  return optim::warm_up(warmup, schedule);
}

train::GradientClipping clipping_of(const CommandLine& command) {
  return {.max_norm = command.real("clip-norm", "a number of at least 0", is_not_negative),
          .max_value = command.real("clip-value", "a number of at least 0", is_not_negative)};
}

train::EarlyStopping early_stopping_of(const CommandLine& command) {
  return {.patience = command.integer("early-stopping", 0),
          .min_delta = command.real("min-delta", "a number of at least 0", is_not_negative)};
}

bool depends_on_epochs(const CommandLine& command) { return command.text("schedule") == "cosine"; }

}  // namespace keel::apps
