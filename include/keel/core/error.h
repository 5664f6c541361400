// Errors. Every message names the operation, and what was expected and found:
//   [conv2d] input [64,28,28,3] has 3 channels, weight [3,3,1,32] expects 1
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace keel {

// The base of all errors Keel throws.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Shapes that do not fit together.
class ShapeError : public Error {
 public:
  using Error::Error;
};

// An element type an operation cannot work on.
class DTypeError : public Error {
 public:
  using Error::Error;
};

// A parameter outside its range, such as a probability of 1.5.
class ValueError : public Error {
 public:
  using Error::Error;
};

// A file or directory that is missing, damaged or not writable.
class FileError : public Error {
 public:
  using Error::Error;
};

// Throws E with the formatted message unless the condition holds. The message is formatted only when thrown.
template <class E = Error, class... Args>
void check(bool condition, fmt::format_string<Args...> message, Args&&... args) {
  if (!condition) throw E(fmt::format(message, std::forward<Args>(args)...));
}

}  // namespace keel
