// The directory that a run writes to.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace keel::apps {

class RunDirectory {
 public:
  // `files`: everything a run writes, relative to the directory. Changes nothing yet.
  //   throws: FileError if one of them is there already (unless overwrite), or the path is no directory
  RunDirectory(std::filesystem::path path, std::vector<std::filesystem::path> files, bool overwrite);

  // Makes the directories, and removes the files of an earlier run: a new log never stands beside an old
  // summary.
  //   throws: FileError if a directory cannot be made or written to
  void prepare() const;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  std::vector<std::filesystem::path> files_;
};

// Writes a file whole or not at all: under another name, then renamed.   throws: FileError
void write_json(const std::filesystem::path& path, const nlohmann::ordered_json& content);

}  // namespace keel::apps
