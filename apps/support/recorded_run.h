// A run that was recorded in config.json: going on with it, or running it again.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "support/command_line.h"

namespace keel::apps {

// What an earlier run was started with, and where that is written.
struct RecordedRun {
  std::filesystem::path path;
  nlohmann::ordered_json config;
};

// The options of a record that may not change when the run goes on: all but the free ones.
nlohmann::ordered_json course_of(const nlohmann::ordered_json& record, const std::set<std::string>& free);

// What config.json of a run of any program says.
//   throws: FileError naming the file unless it is such a record: an object with "program" and an object
//   "options"; if there are "data" or "model", they are objects, and "resumed" is an array
nlohmann::ordered_json read_record(const std::filesystem::path& path);

// The same of a run of this program.   throws: also FileError if it is one of another
nlohmann::ordered_json read_config(const std::filesystem::path& path, const std::string& program);

// What --resume says.   throws: UsageError unless it names a directory
void require_run_directory(const std::filesystem::path& directory);

// What --resume says, again.
//   throws: UsageError if it is the directory of another program's run, or a part of one, saying what it is
//   and by which command that goes on
void require_run_of(const std::string& program, const std::filesystem::path& directory);

// What keel-study writes.
inline constexpr const char* kStudyRecord = "study.json";

// The records by which runs of programs other than this are known, relative to a directory they would share:
// for RunDirectory::require_none_of().
std::vector<std::filesystem::path> records_of_other_programs(const std::string& program);

// In recorded options: the run goes on from wherever it is called.
void make_source_absolute(nlohmann::ordered_json& options);

// Options that were not given on the command line take the recorded values; those in `not_taken` do not.
//   throws: FileError naming the file and the option if the record has one that the program does not know,
//   or a value of another type
void take_recorded_options(CommandLine& command, const nlohmann::ordered_json& config,
                           const std::set<std::string>& not_taken, const std::filesystem::path& path);

// Refuses to go on with a run under options that would change its course.
// `now` has none of the free ones.
//   throws: UsageError naming those that may be given anew, and each option that differs
void require_same_options(const nlohmann::ordered_json& recorded, const nlohmann::ordered_json& now,
                          const std::set<std::string>& free, const std::filesystem::path& path);

// The same for the data, by their checksums: `recorded` and `now` are what data_record() gives.
//   throws: FileError naming the part that differs
void require_same_data(const nlohmann::ordered_json& recorded, const nlohmann::ordered_json& now,
                       const std::filesystem::path& path);

}  // namespace keel::apps
