// keel-mnist-bn: the MNIST experiment of the Batch Normalization articles.
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <set>

#include "keel/core/build_info.h"
#include "keel/core/parallel.h"
#include "support/command_line.h"
#include "support/interruption.h"
#include "support/mnist_bn_experiment.h"
#include "support/model_options.h"
#include "support/norm_arms.h"
#include "support/recorded_run.h"
#include "support/run_directory.h"
#include "support/threads_option.h"
#include "support/training_data.h"
#include "support/training_run.h"

namespace {

using namespace keel;
using apps::CommandLine;
using apps::kDefaultNorms;
using nlohmann::ordered_json;
namespace fs = std::filesystem;

constexpr const char* kProgram = "keel-mnist-bn";
// Options that say where, how fast and how long, but not what: they may change when a run goes on. The data
// are compared by their content.
const std::set<std::string> kFreeOptions = {"data",
                                            "out",
                                            "overwrite",
                                            "resume",
                                            "threads",
                                            "jobs",
                                            "checkpoint-every",
                                            "epochs",
                                            "log-distributions"};

// More than are of use, and few enough that all can be started.
constexpr Index kMostJobs = 64;

void declare(CommandLine& command) {
  apps::add_data_options(command);
  command.add("out", "DIR", "runs/mnist_bn", "Directory for the logs, made if need be");
  command.add_flag("overwrite", "Replace the run that the directory holds");
  command.add(
      "resume", "DIR", "",
      "Go on with the run that the directory holds, as if it had never stopped: under its own options, "
      "of which only --epochs, --data, --threads, --jobs, --checkpoint-every and --log-distributions may be "
      "given anew");
  command.add("norm", "NORM,...", kDefaultNorms,
              "The models to compare, each with a norm of its own: " + apps::norm_choices());
  command.add("model", "mlp|cnn", "mlp", "mlp: Dense 128; cnn: four 3x3 convolutions and Dense 128");
  apps::add_model_details(command);
  command.add_number("epochs", "N", "10", "Passes over the training set");
  command.add_number("batch-size", "N", "32", "Examples in a batch");
  command.add_flag("drop-last", "Leave out the last batch of an epoch if it is smaller than the others");
  command.add("optimizer", "adam|adamw|sgd", "adam", "adamw: decay 0.01 of weights; sgd: momentum 0.9");
  command.add_number("lr", "RATE", "0.001", "Learning rate, above 0");
  command.add_number("seed", "S", "1", "Of initial weights, shuffling and dropout");
  apps::add_threads(command);
  apps::add_checkpoint_every(command);
  apps::add_log_distributions(command);
  command.add_number(
      "jobs", "N", "1",
      "Models trained at the same time, with a share of the threads each, at least one: 2 trains two side by "
      "side, with the same results. Their seconds are then those of a machine that does both");
}

apps::ExperimentOptions experiment_options(const CommandLine& command) {
  apps::ExperimentOptions options;
  options.model = command.choice("model", {"mlp", "cnn"});
  options.arms = apps::norm_arms(command.text("norm"));
  options.classifier.norm_position = apps::norm_position_of(command).value_or(
      options.model == "cnn" ? nn::NormPosition::before_activation : nn::NormPosition::after_activation);
  options.classifier.batch_norm_options = apps::batch_norm_options_of(command);
  options.classifier.dropout = apps::dropout_of(command);
  options.init = command.choice("init", nn::initializer_names());
  options.classifier.weight_init = nn::initializer_by_name(options.init);
  options.classifier.bias_init = nn::bias_initializer_for(options.init);
  options.epochs = command.integer("epochs", 1);
  options.batch_size = command.integer("batch-size", 1);
  options.drop_last = command.flag("drop-last");
  options.optimizer = command.choice("optimizer", {"adam", "adamw", "sgd"});
  options.learning_rate = command.real("lr", "a number above 0", [](double rate) { return rate > 0; });
  options.seed = static_cast<std::uint64_t>(command.integer("seed", 0));
  options.jobs =
      std::min<Index>(command.integer("jobs", 1, kMostJobs), static_cast<Index>(options.arms.size()));
  options.checkpoint_every = apps::checkpoint_every(command);
  options.log_distributions = apps::log_distributions(command);
  return options;
}

// What config.json says of a run beside its data and model.
ordered_json run_record(const CommandLine& command, const apps::ExperimentOptions& options, int threads) {
  const BuildInfo build = build_info();
  ordered_json record = {{"program", kProgram},        {"version", build.version},
                         {"compiler", build.compiler}, {"build_type", build.build_type},
                         {"isa", build.isa},           {"threads", threads},
                         {"jobs", options.jobs}};
  record["options"] = command.resolved();
  const bool before = options.classifier.norm_position == nn::NormPosition::before_activation;
  record["options"]["bn-position"] = before ? "before" : "after";
  record["options"].erase("resume");
  record["options"] = apps::without_usual_norm(record["options"], kDefaultNorms);
  apps::make_source_absolute(record["options"]);
  return record;
}

// config.json of the first arm that has one.
fs::path config_in(const fs::path& directory) {
  std::error_code ignored;
  // A run of keel-train, which read_config() names.
  if (fs::exists(directory / "config.json", ignored)) return directory / "config.json";
  for (const fs::path& arm : apps::norm_arm_directories()) {
    const fs::path config = directory / arm / "config.json";
    if (fs::exists(config, ignored)) return config;
  }
  throw FileError(fmt::format("--resume: a directory that holds a run expected, found no config.json in {}",
                              directory.string()));
}

// The run that is to go on, if there is one. Takes its options over.
std::optional<apps::RecordedRun> earlier_run(CommandLine& command) {
  const std::string directory = command.text("resume");
  if (!command.given("resume")) return std::nullopt;
  apps::require_run_directory(directory);
  apps::require_run_of(kProgram, directory);
  if (command.flag("overwrite")) throw apps::UsageError("--resume and --overwrite exclude each other");
  if (command.given("out"))
    throw apps::UsageError("--resume and --out exclude each other: a run goes on where it is");
  apps::RecordedRun earlier = {config_in(directory), {}};
  earlier.config = apps::read_config(earlier.path, kProgram);
  apps::take_recorded_options(command, earlier.config, {"out", "overwrite"}, earlier.path);
  command.set_fallback("out", directory);
  return earlier;
}

// What is for an arm that is not there.
void settle(CommandLine& command) {
  const std::vector<apps::NormArm> arms = apps::norm_arms(command.text("norm"));
  const bool has_batch_norm =
      std::any_of(arms.begin(), arms.end(), [](const apps::NormArm& arm) { return arm.norm == "batch"; });
  for (const char* option : {"bn-momentum", "bn-epsilon"}) {
    command.only_if(has_batch_norm, option, "with batch among those of --norm only");
  }
}

int run(int argc, char** argv) {
  CommandLine command(kProgram,
                      "Trains the same network on MNIST with and without Batch Normalization, or with\n"
                      "other norms, from the same weights and on the same batches, and logs every\n"
                      "epoch.\n");
  declare(command);
  if (!command.parse(argc, argv)) return 0;
  const std::optional<apps::RecordedRun> earlier = earlier_run(command);
  settle(command);
  const apps::ExperimentOptions options = experiment_options(command);
  const int threads = apps::use_threads(command);
  const int threads_of_an_arm = std::max(1, threads / static_cast<int>(options.jobs));
  const ordered_json record = run_record(command, options, threads_of_an_arm);
  apps::ExperimentRun experiment_run = {.directory = command.text("out"),
                                        .record = record,
                                        .course = apps::course_of(record, kFreeOptions),
                                        .resume = earlier.has_value()};
  if (experiment_run.directory.empty()) throw apps::UsageError("--out: expected a directory, found ''");
  if (earlier) {
    apps::require_same_options(apps::with_usual_norm(earlier->config["options"], kDefaultNorms),
                               apps::with_usual_norm(experiment_run.course, kDefaultNorms), kFreeOptions,
                               earlier->path);
  }
  apps::RunDirectory directory(experiment_run.directory, apps::Experiment::files(options.arms),
                               earlier                     ? apps::Existing::resume
                               : command.flag("overwrite") ? apps::Existing::overwrite
                                                           : apps::Existing::refuse,
                               apps::Experiment::files_of_any_arms());
  directory.require_none_of(apps::records_of_other_programs(kProgram));

  apps::TrainingData data = apps::load_training_data(command);
  apps::batch_size_of(command, data);
  const apps::Experiment experiment(options, std::move(data));
  if (earlier) {
    apps::require_same_data(earlier->config.value("data", ordered_json::object()), experiment.data_record(),
                            earlier->path);
    directory.lock();
    experiment_run.found = experiment.checkpoints_to_resume(experiment_run);
  }
  experiment.check();
  const std::string table = experiment.model_table();
  directory.prepare(apps::Experiment::derived_files());

  fmt::print("{}\n\n{}\n", experiment.title(), table);
  std::fflush(stdout);
  set_num_threads(threads_of_an_arm);
  apps::watch_for_interruption();
  const std::vector<apps::ArmResult> results = experiment.run(experiment_run);
  const bool cut_off =
      std::any_of(results.begin(), results.end(), [](const auto& result) { return result.interrupted; });
  if (cut_off) {
    fmt::print(stderr, "interrupted; to go on: {} --resume {}\n", kProgram, directory.path().string());
    return apps::interrupted_status();
  }
  apps::write_json(directory.path() / "summary.json", experiment.summary(results));
  fmt::print("\n{}\nlogs: {}\n", experiment.table(results), directory.path().string());
  const bool finished =
      std::all_of(results.begin(), results.end(), [](const auto& result) { return result.finished(); });
  return finished ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  return keel::apps::run_program([&] { return run(argc, argv); });
}
