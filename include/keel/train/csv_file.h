// A CSV file that grows line by line.
#pragma once

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

namespace keel::train {

// Its first line has the names of the columns. What is appended is in the file at once.
class CsvFile {
 public:
  // throws: FileError if there is such a file already, or it cannot be made
  CsvFile(std::filesystem::path path, const std::string& columns);
  // With these lines and no others, each with its end, whatever the file held before. All or nothing.
  //   throws: FileError if it has other columns (a first line that is cut off does not count),
  //           or cannot be written
  CsvFile(std::filesystem::path path, const std::string& columns, const std::string& lines);
  // throws: FileError if they cannot be written
  void append(const std::string& lines);

 private:
  void open(const char* mode);

  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::filesystem::path path_;
  std::unique_ptr<std::FILE, Close> file_;
};

}  // namespace keel::train
