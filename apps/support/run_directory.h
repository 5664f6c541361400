// The directory that a run writes to.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <vector>

namespace keel::apps {

// What may happen to a run that a directory holds already.
enum class Existing { refuse, overwrite, resume };

class RunDirectory {
 public:
  // `files`: everything a run writes, relative to the directory. `others`: what runs with other options would
  // write, which is refused or removed like that. Changes nothing yet.
  //   throws: FileError if one of them is there already and that is to be refused, or the path is no
  //   directory
  RunDirectory(std::filesystem::path path, std::vector<std::filesystem::path> files, Existing existing,
               std::vector<std::filesystem::path> others = {});
  // Refuses a directory with any of these, which runs of other programs leave: two would mix.
  //   throws: FileError
  void require_none_of(const std::vector<std::filesystem::path>& others) const;
  ~RunDirectory();
  RunDirectory(const RunDirectory&) = delete;
  RunDirectory& operator=(const RunDirectory&) = delete;

  // Keeps other runs out while this object lives, before anything of a run that is to go on is looked at.
  //   throws: FileError if another run is writing to the directory, or it cannot be opened
  void lock();
  // Makes the directories, keeps other runs out as well, and removes the files of an earlier
  // run, unless it is to go on, and what was `derived` from them: a new log never stands beside an old
  // summary or plot.
  //   throws: FileError if another run is writing to the directory, or it cannot be made or written to
  void prepare(const std::vector<std::filesystem::path>& derived);

  const std::filesystem::path& path() const { return path_; }

 private:
  void require_no_run() const;
  // With the directories that this leaves empty.
  void remove_others() const;

  std::filesystem::path path_;
  std::vector<std::filesystem::path> files_, others_;
  Existing existing_;
  int lock_ = -1;
};

// Writes a file whole or not at all: under another name, then renamed.   throws: FileError
void write_json(const std::filesystem::path& path, const nlohmann::ordered_json& content);

}  // namespace keel::apps
