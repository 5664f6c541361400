#include "keel/io/atomic_file.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "keel/core/error.h"
#include "support/errors.h"
#include "support/temporary_directory.h"

namespace keel::io {
namespace {

namespace fs = std::filesystem;
using keel::testing::message_of;
using keel::testing::TemporaryDirectory;
using keel::testing::text_of;
using keel::testing::write_text;

std::size_t files_in(const TemporaryDirectory& directory) {
  return static_cast<std::size_t>(
      std::distance(fs::directory_iterator(directory.path()), fs::directory_iterator()));
}

TEST(AtomicFile, WritesReplacesAndReads) {
  const TemporaryDirectory directory;
  write_file_atomically(directory / "a", "first");
  write_file_atomically(directory / "a", "second");
  EXPECT_EQ(read_file(directory / "a", 6), "second");
  write_text(directory / "a.part", "what a killed program left, longer than what comes");
  write_file_atomically(directory / "a", "");
  EXPECT_EQ(read_file(directory / "a", 0), "");
  EXPECT_EQ(files_in(directory), 1u);
}

TEST(AtomicFile, WritesPartsOneAfterTheOther) {
  const TemporaryDirectory directory;
  const std::string one = "one ", none, two = "two";
  const std::array parts = {std::as_bytes(std::span(one)), std::as_bytes(std::span(none)),
                            std::as_bytes(std::span(two))};
  write_file_atomically(directory / "a", parts);
  EXPECT_EQ(text_of(directory / "a"), "one two");
}

TEST(AtomicFile, AFullDiskLeavesTheOldFile) {
  const TemporaryDirectory directory;
  const fs::path path = directory / "a";
  write_text(path, "old");
  // A limit on the size of files in place of a full disk, in a process of its own.
  const pid_t child = fork();
  if (child == 0) {
    signal(SIGXFSZ, SIG_IGN);
    const rlimit limit = {.rlim_cur = 4096, .rlim_max = 4096};
    setrlimit(RLIMIT_FSIZE, &limit);
    const std::string message =
        message_of<FileError>([&] { write_file_atomically(path, std::string(10'000, 'x')); });
    _exit(message == path.string() + ": cannot write: File too large" ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(text_of(path), "old");
  EXPECT_EQ(files_in(directory), 1u);
}

TEST(AtomicFile, NamesWhatCannotBeWritten) {
  const TemporaryDirectory directory;
  EXPECT_EQ(message_of<FileError>([&] { write_file_atomically(directory / "no/a", "x"); }),
            (directory / "no/a.part").string() + ": cannot write: No such file or directory");
  fs::create_directory(directory / "d");
  EXPECT_EQ(message_of<FileError>([&] { write_file_atomically(directory / "d", "x"); }),
            (directory / "d").string() + ": cannot write: a regular file expected");
  // As root, a renaming would succeed and take the device's place.
  EXPECT_EQ(message_of<FileError>([&] { write_file_atomically("/dev/null", "x"); }),
            "/dev/null: cannot write: a regular file expected");
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
}

TEST(AtomicFile, WritesWhereASymbolicLinkLeads) {
  const TemporaryDirectory directory;
  write_text(directory / "target", "old");
  fs::create_symlink("target", directory / "link");
  write_file_atomically(directory / "link", "new");
  EXPECT_TRUE(fs::is_symlink(directory / "link"));
  EXPECT_EQ(text_of(directory / "target"), "new");
  // A link in the place of the temporary file is not followed.
  fs::create_symlink("target", directory / "b.part");
  EXPECT_EQ(message_of<FileError>([&] { write_file_atomically(directory / "b", "x"); }),
            (directory / "b.part").string() + ": cannot write: Too many levels of symbolic links");
  EXPECT_EQ(text_of(directory / "target"), "new");
}

TEST(AtomicFile, MakesTheDirectoriesThatAreMissing) {
  const TemporaryDirectory directory;
  for (const char* path : {"a/b/c", "a/b/c", "a/d/", "a/./e/../f", "."}) {
    make_directories(directory / path);
    EXPECT_TRUE(fs::is_directory(directory / path)) << path;
  }
  make_directories("/");
  fs::create_directory_symlink("a", directory / "link");
  make_directories(directory / "link/g");
  EXPECT_TRUE(fs::is_directory(directory / "a/g"));
  const fs::path before = fs::current_path();
  fs::current_path(directory.path());
  make_directories("relative/of/here");
  fs::current_path(before);
  EXPECT_TRUE(fs::is_directory(directory / "relative/of/here"));
}

TEST(AtomicFile, NamesTheDirectoryThatCannotBeMade) {
  const TemporaryDirectory directory;
  write_text(directory / "file", "");
  const std::string below = (directory / "file/below").string();
  EXPECT_EQ(message_of<FileError>([&] { make_directories(below); }),
            "cannot make directory " + below + ": Not a directory");
}

TEST(AtomicFile, ReadsWholeRegularFilesUpToALimit) {
  const TemporaryDirectory directory;
  write_text(directory / "a", "12345");
  EXPECT_EQ(read_file(directory / "a", 5), "12345");
  EXPECT_EQ(message_of<FileError>([&] { read_file(directory / "a", 4); }),
            (directory / "a").string() + ": at most 4 bytes expected, found 5");
  EXPECT_EQ(message_of<FileError>([&] { read_file(directory / "b", 4); }),
            (directory / "b").string() + ": cannot open: No such file or directory");
  // Opening a pipe would wait for somebody who writes to it.
  ASSERT_EQ(mkfifo((directory / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(message_of<FileError>([&] { read_file(directory / "pipe", 4); }),
            (directory / "pipe").string() + ": a regular file expected");
}

}  // namespace
}  // namespace keel::io
