#include "support/recorded_run.h"

#include <fmt/ranges.h>

#include "keel/io/atomic_file.h"
#include "keel/io/json_text.h"

namespace keel::apps {

using nlohmann::ordered_json;
namespace fs = std::filesystem;

namespace {

constexpr std::size_t kMostBytes = 16 << 20;

}  // namespace

ordered_json read_config(const fs::path& path, const std::string& program) {
  const std::string text = io::read_file(path, kMostBytes);
  io::check_json(text, path.string(), {.bytes = kMostBytes});
  const ordered_json config = ordered_json::parse(text);
  check<FileError>(config.is_object() && config.contains("program") && config.contains("options") &&
                       config["options"].is_object(),
                   "{}: the record of a run expected (JSON with program and options), found something else",
                   path.string());
  check<FileError>(config["program"] == program, "{}: a run of {} expected, found one of {}", path.string(),
                   program, config["program"].dump());
  return config;
}

void take_recorded_options(CommandLine& command, const ordered_json& config,
                           const std::set<std::string>& not_taken, const fs::path& path) {
  for (const auto& [name, value] : config["options"].items()) {
    if (not_taken.count(name) > 0) continue;
    check<FileError>(command.knows(name), "{}: options of this program expected, found '{}'", path.string(),
                     name);
    check<FileError>(value.is_string() || value.is_number() || value.is_boolean(),
                     "{}: a text, a number, true or false expected as option {}, found {}", path.string(),
                     name, value.dump());
    command.set_fallback(name, value);
  }
}

void require_same_options(const ordered_json& recorded, const ordered_json& now,
                          const std::set<std::string>& free, const fs::path& path) {
  std::vector<std::string> differences;
  for (const auto& [name, value] : now.items()) {
    if (free.count(name) > 0) continue;
    const bool same = recorded.contains(name) && recorded[name] == value;
    if (same) continue;
    differences.push_back(fmt::format("--{}: expected {}, found {}", name,
                                      recorded.contains(name) ? recorded[name].dump() : "none",
                                      value.dump()));
  }
  if (differences.empty()) return;
  throw UsageError(fmt::format("a run goes on with the options it was started with ({}); {}", path.string(),
                               fmt::join(differences, "; ")));
}

void require_same_data(const ordered_json& recorded, const ordered_json& now, const fs::path& path) {
  for (const char* part : {"training", "validation", "test"}) {
    if (!now.contains(part)) continue;
    const ordered_json& found = now[part];
    const ordered_json expected = recorded.value(part, ordered_json::object());
    check<FileError>(expected == found,
                     "--data: a run goes on with the data it was started with ({}): {} {} expected, found {}",
                     path.string(), part, expected.dump(), found.dump());
  }
}

}  // namespace keel::apps
