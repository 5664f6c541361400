// The record of a run, config.json, whose options another run takes, and what they are turned into.
#include <nlohmann/json.hpp>

#include "keel/core/rng.h"
#include "keel/nn/dense.h"
#include "keel/nn/model_description.h"
#include "support/memory_file.h"
#include "support/model_options.h"
#include "support/optimizer_options.h"
#include "support/recorded_run.h"
#include "support/target.h"

namespace {

using namespace keel;

void use(const nlohmann::ordered_json& config, const std::filesystem::path& path) {
  apps::CommandLine command("keel-train", "");
  apps::add_model_options(command);
  apps::add_initial_weights(command);
  command.add_number("batch-size", "N", "32", "");
  command.add_flag("drop-last", "");
  apps::add_optimizer_options(command);
  const char* const arguments[] = {"keel-train"};
  command.parse(1, arguments);
  apps::take_recorded_options(command, config, {}, path);
  apps::settle_model_options(command);
  apps::settle_initial_weights(command);
  apps::settle_optimizer_options(command);
  const nlohmann::ordered_json course = command.resolved();
  command.integer("batch-size", 1);
  command.flag("drop-last");
  Rng rng(1, Stream::initialization);
  const nn::Dense model(2, 2, rng);
  apps::optimizer_of(command, model);
  fuzz::expect(apps::schedule_of(command, 3, 4)(5) >= 0, "a learning rate is not negative");
  apps::clipping_of(command);
  apps::early_stopping_of(command);
  // Others are names of files.
  if (apps::is_named_model(command)) apps::model_description_of(command);
  apps::require_same_options(config["options"], course, {}, path);
  apps::require_same_data(config.value("data", nlohmann::ordered_json::object()), course, path);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::MemoryFile file(data, size);
  try {
    use(apps::read_config(file.path(), "keel-train"), file.path());
  } catch (const FileError&) {
  } catch (const apps::UsageError&) {
  }
  return 0;
}
