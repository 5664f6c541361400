#include "support/recorded_run.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "keel/io/atomic_file.h"
#include "keel/io/json_text.h"
#include "support/norm_arms.h"

namespace keel::apps {

using nlohmann::ordered_json;
namespace fs = std::filesystem;

namespace {

constexpr std::size_t kMostBytes = 16 << 20;
constexpr const char* kConfig = "config.json";
constexpr const char* kTraining = "keel-train";
constexpr const char* kComparison = "keel-mnist-bn";
constexpr const char* kStudy = "keel-study";

const char* in_words(OptionKind kind) {
  switch (kind) {
    case OptionKind::flag:
      return "true or false";
    case OptionKind::number:
      return "a number";
    case OptionKind::text:
      break;
  }
  return "a text";
}

}  // namespace

ordered_json read_record(const fs::path& path) {
  const std::string text = io::read_file(path, kMostBytes);
  io::check_json(text, path.string(), {.bytes = kMostBytes});
  const ordered_json record = ordered_json::parse(text);
  check<FileError>(record.is_object() && record.contains("program") && record.contains("options") &&
                       record["options"].is_object(),
                   "{}: the record of a run expected (JSON with program and options), found something else",
                   path.string());
  for (const char* name : {"data", "model"}) {
    check<FileError>(!record.contains(name) || record[name].is_object(),
                     "{}: an object expected as {}, found {}", path.string(), name,
                     record.value(name, ordered_json()).dump());
  }
  check<FileError>(!record.contains("resumed") || record["resumed"].is_array(),
                   "{}: an array expected as resumed, found {}", path.string(),
                   record.value("resumed", ordered_json()).dump());
  return record;
}

ordered_json course_of(const ordered_json& record, const std::set<std::string>& free) {
  ordered_json course = record.at("options");
  for (const std::string& name : free) course.erase(name);
  return course;
}

ordered_json read_config(const fs::path& path, const std::string& program) {
  ordered_json config = read_record(path);
  check<FileError>(config["program"] == program, "{}: a run of {} expected, found one of {}", path.string(),
                   program, config["program"].dump());
  return config;
}

void require_run_directory(const fs::path& directory) {
  std::error_code ignored;
  const char* found = !fs::exists(directory, ignored) ? "nothing of that name" : "a file";
  if (fs::is_directory(directory, ignored)) return;
  throw UsageError(
      fmt::format("--resume: expected the directory of a run, found {}: '{}'", found, directory.string()));
}

namespace {

// Of config.json there; empty if there is none that can be read.
std::string program_in(const fs::path& directory) {
  try {
    const ordered_json program = read_record(directory / kConfig)["program"];
    return program.is_string() ? program.get<std::string>() : "";
  } catch (const Error&) {
    return "";
  }
}

// The directory whose arms' records are in directories below it.
bool is_comparison(const fs::path& directory) {
  const auto arms = norm_arm_directories();
  return std::any_of(arms.begin(), arms.end(),
                     [&](const fs::path& arm) { return program_in(directory / arm) == kComparison; });
}

}  // namespace

std::vector<fs::path> records_of_other_programs(const std::string& program) {
  std::vector<fs::path> records;
  if (program != kTraining) records.emplace_back(kConfig);
  if (program != kStudy) records.emplace_back(kStudyRecord);
  if (program != kComparison) {
    for (const fs::path& arm : norm_arm_directories()) records.push_back(arm / kConfig);
  }
  return records;
}

void require_run_of(const std::string& program, const fs::path& directory) {
  const fs::path whole = fs::absolute(directory).lexically_normal();
  const fs::path above = (whole.has_filename() ? whole : whole.parent_path()).parent_path();
  std::string found, owner;
  fs::path place = directory;
  if (is_comparison(directory)) {
    found = "a comparison of models";
    owner = kComparison;
  } else if (owner = program_in(directory); !owner.empty()) {
    const bool is_arm = owner == kComparison;
    found = is_arm ? "one model of a comparison" : "a run";
    if (is_arm) place = above;
  } else if (owner = program_in(above); !owner.empty()) {
    found = "a part of a run";
    place = owner == kComparison ? above.parent_path() : above;
  }
  // What is damaged or no run at all, reading it tells.
  if (owner.empty()) return;
  if (owner == program && place == directory) return;
  throw UsageError(
      fmt::format("--resume: expected the directory of a run of {}, found {} by {}: '{}'; to go on: "
                  "{} --resume {}",
                  program, found, owner, directory.string(), owner, place.string()));
}

void make_source_absolute(ordered_json& options) {
  const auto source = options.find("data");
  if (source == options.end() || *source == "synthetic") return;
  *source = fs::absolute(source->get<std::string>()).lexically_normal().string();
}

void take_recorded_options(CommandLine& command, const ordered_json& config,
                           const std::set<std::string>& not_taken, const fs::path& path) {
  for (const auto& [name, value] : config["options"].items()) {
    if (not_taken.count(name) > 0) continue;
    const std::optional<OptionKind> kind = command.kind(name);
    check<FileError>(kind.has_value(), "{}: options of this program expected, found '{}'", path.string(),
                     name);
    const bool fits = kind == OptionKind::flag     ? value.is_boolean()
                      : kind == OptionKind::number ? value.is_number() || value.is_string()
                                                   : value.is_string();
    check<FileError>(fits, "{}: {} expected as option {}, found {}", path.string(), in_words(*kind), name,
                     value.dump());
    command.set_fallback(name, value);
  }
}

void require_same_options(const ordered_json& recorded, const ordered_json& now,
                          const std::set<std::string>& free, const fs::path& path) {
  std::vector<std::string> differences;
  for (const auto& [name, value] : now.items()) {
    const bool same = recorded.contains(name) && recorded[name] == value;
    if (same) continue;
    differences.push_back(fmt::format("--{}: expected {}, found {}", name,
                                      recorded.contains(name) ? recorded[name].dump() : "none",
                                      value.dump()));
  }
  if (differences.empty()) return;
  std::string anew;
  for (const std::string& name : free) {
    const bool is_other = name == "out" || name == "overwrite" || name == "resume" || name == "config";
    if (!is_other) anew += fmt::format("{}--{}", anew.empty() ? "" : ", ", name);
  }
  throw UsageError(fmt::format("a run goes on with the options it was started with ({}), but for {}; {}",
                               path.string(), anew, fmt::join(differences, "; ")));
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
