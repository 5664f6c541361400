// keel-train: trains any model that can be described on any data that can be read.
#include <filesystem>
#include <optional>
#include <set>

#include "keel/core/build_info.h"
#include "keel/core/parallel.h"
#include "support/command_line.h"
#include "support/model_options.h"
#include "support/norm_arms.h"
#include "support/optimizer_options.h"
#include "support/recorded_run.h"
#include "support/run_directory.h"
#include "support/threads_option.h"
#include "support/train_program.h"
#include "support/training_data.h"
#include "support/training_run.h"

namespace {

using namespace keel;
using apps::CommandLine;
using nlohmann::ordered_json;
namespace fs = std::filesystem;

constexpr const char* kProgram = "keel-train";

void declare(CommandLine& command) {
  command.begin_group("Data");
  apps::add_data_options(command);
  command.begin_group("Model");
  apps::add_model_options(command);
  apps::add_initial_weights(command);
  command.begin_group("Training");
  command.add_number("epochs", "N", "10", "Passes over the training set");
  command.add_number("batch-size", "N", "32", "Examples in a batch");
  command.add_flag("drop-last", "Leave out the last batch of an epoch if it is smaller than the others");
  command.add_number("seed", "S", "1", "Of initial weights, shuffling and dropout");
  apps::add_optimizer_options(command);
  command.add_number(
      "recalibrate-bn", "N", "0",
      "After training, estimate the running statistics of BatchNorm, BatchRenorm and FullNorm anew over "
      "N batches, for checkpoints/recalibrated.safetensors; 0: do not");
  command.begin_group("Run");
  command.add("out", "DIR", "runs/train", "Directory for the run, made if need be");
  command.add_flag("overwrite", "Replace the run that the directory holds");
  command.add(
      "resume", "DIR", "",
      "Go on with the run in the directory as if it had never stopped. Its options stay as they were; "
      "only --data, --threads, --checkpoint-every, --log-distributions, --recalibrate-bn and, unless the "
      "schedule is "
      "cosine, --epochs may be given anew");
  command.add("config", "FILE", "",
              "Repeat an earlier run: take the options from its config.json, but for those given here");
  apps::add_checkpoint_every(command);
  apps::add_log_distributions(command);
  apps::add_threads(command);
}

// Options that say where, how fast and how long, but not what: they may change when a run goes on. The data
// are compared by their content, and the model by its description.
std::set<std::string> free_options(const CommandLine& command) {
  std::set<std::string> names = {"data",
                                 "out",
                                 "overwrite",
                                 "resume",
                                 "config",
                                 "threads",
                                 "checkpoint-every",
                                 "recalibrate-bn",
                                 "log-distributions"};
  if (!apps::depends_on_epochs(command)) names.insert("epochs");
  return names;
}

// What an earlier run recorded, if there is one to go on with or to repeat.
std::optional<apps::RecordedRun> recorded_run(CommandLine& command) {
  const bool resume = command.given("resume"), repeat = command.given("config");
  if (!resume && !repeat) return std::nullopt;
  if (resume) {
    for (const char* other : {"config", "overwrite", "out"}) {
      if (command.given(other))
        throw apps::UsageError(fmt::format("--resume and --{} exclude each other", other));
    }
  }
  if (resume) {
    apps::require_run_directory(command.text("resume"));
    apps::require_run_of(kProgram, command.text("resume"));
  }
  if (!resume && command.text("config").empty())
    throw apps::UsageError("--config: expected a file, found ''");
  const fs::path path =
      resume ? fs::path(command.text("resume")) / "config.json" : fs::path(command.text("config"));
  std::error_code ignored;
  check<FileError>(!resume || fs::exists(path, ignored),
                   "--resume: a directory that holds a run expected, found no config.json in {}",
                   command.text("resume"));
  apps::RecordedRun recorded = {path, apps::read_config(path, kProgram)};
  apps::take_recorded_options(command, recorded.config, {"out", "overwrite", "resume", "config"}, path);
  if (resume) command.set_fallback("out", command.text("resume"));
  return recorded;
}

// The description to take from the record: always when a run goes on; otherwise where --model names a file,
// which may say something else by now.
const ordered_json* recorded_model(const CommandLine& command,
                                   const std::optional<apps::RecordedRun>& recorded) {
  if (!recorded || (!command.given("resume") && (command.given("model") || apps::is_named_model(command)))) {
    return nullptr;
  }
  const ordered_json& config = recorded->config;
  check<FileError>(config.contains("model") && config["model"].contains("description"),
                   "{}: a record with a model and its description expected, found none",
                   recorded->path.string());
  return &config["model"]["description"];
}

// What was for other choices than those that are made now.
void settle(CommandLine& command) {
  apps::settle_model_options(command);
  apps::settle_initial_weights(command);
  apps::settle_optimizer_options(command);
  apps::settle_data_options(command);
}

ordered_json run_record(const CommandLine& command) {
  const BuildInfo build = build_info();
  ordered_json record = {{"program", kProgram},
                         {"version", build.version},
                         {"compiler", build.compiler},
                         {"build_type", build.build_type},
                         {"isa", build.isa},
                         {"threads", num_threads()},
                         {"options", command.resolved()}};
  record["options"].erase("resume");
  record["options"].erase("config");
  record["options"] = apps::without_usual_norm(record["options"], apps::kUsualNorm);
  apps::make_source_absolute(record["options"]);
  return record;
}

int run(int argc, char** argv) {
  CommandLine command(kProgram, "Trains a model, logs every epoch, and saves the run as it goes.\n");
  declare(command);
  if (!command.parse(argc, argv)) return 0;
  const std::optional<apps::RecordedRun> recorded = recorded_run(command);
  const bool resume = command.given("resume");
  // One that goes on has the options it was started with, as they are.
  if (!resume) settle(command);
  apps::use_threads(command);
  if (command.text("out").empty()) throw apps::UsageError("--out: expected a directory, found ''");
  const ordered_json record = run_record(command);
  const ordered_json course = apps::course_of(record, free_options(command));
  if (resume) {
    apps::require_same_options(apps::with_usual_norm(recorded->config["options"], apps::kUsualNorm),
                               apps::with_usual_norm(course, apps::kUsualNorm), free_options(command),
                               recorded->path);
  }
  apps::RunDirectory directory(command.text("out"), apps::TrainProgram::files(),
                               resume                      ? apps::Existing::resume
                               : command.flag("overwrite") ? apps::Existing::overwrite
                                                           : apps::Existing::refuse);
  directory.require_none_of(apps::records_of_other_programs(kProgram));
  std::optional<train::CheckpointDirectory::Found> found;
  if (resume) {
    directory.lock();
    found = apps::checkpoint_to_resume(directory.path());
  }
  apps::TrainProgram program(command, record, recorded_model(command, recorded), !found);
  if (resume) {
    apps::require_same_data(recorded->config.value("data", ordered_json::object()), program.data_record(),
                            recorded->path);
  }
  const apps::TrainingRun training_run =
      program.training_run(directory.path(), course, resume, std::move(found));
  directory.prepare(apps::TrainProgram::derived_files());
  return program.run(training_run);
}

}  // namespace

int main(int argc, char** argv) {
  return keel::apps::run_program([&] { return run(argc, argv); });
}
