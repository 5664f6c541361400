// Runs a built program as a person would: what it prints, and how it ends.
#pragma once

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/temporary_directory.h"

namespace keel::apps::testing {

struct Outcome {
  int status;       // -1 if a signal ended it
  std::string out;  // stdout
  std::string err;  // stderr
};

// In this program's environment, with `variables` ("NAME=value") added, and without KEEL_MNIST_DIR: what a
// test says does not depend on where it runs.
inline Outcome run_program(const std::string& name, const std::vector<std::string>& arguments,
                           const std::vector<std::string>& variables = {}) {
  const keel::testing::TemporaryDirectory directory;
  const std::string program = std::string(KEEL_BINARY_DIR "/bin/") + name;
  std::vector<char*> argv = {const_cast<char*>(program.c_str())};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  std::vector<char*> environment;  // of two entries with one name, getenv() finds the first
  for (const std::string& variable : variables) environment.push_back(const_cast<char*>(variable.c_str()));
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (std::strncmp(*entry, "KEEL_MNIST_DIR=", 15) != 0) environment.push_back(*entry);
  }
  environment.push_back(nullptr);

  const std::string out = directory / "out", err = directory / "err";
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, out.c_str(), O_WRONLY | O_CREAT, 0600);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, err.c_str(), O_WRONLY | O_CREAT, 0600);
  pid_t process = 0;
  const int failure =
      posix_spawn(&process, program.c_str(), &actions, nullptr, argv.data(), environment.data());
  posix_spawn_file_actions_destroy(&actions);
  if (failure != 0) throw std::runtime_error("cannot run " + program + ": " + std::strerror(failure));
  int status = 0;
  waitpid(process, &status, 0);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, keel::testing::text_of(out),
          keel::testing::text_of(err)};
}

}  // namespace keel::apps::testing
