// What a call throws, as text to compare with.
#pragma once

#include <exception>
#include <string>
#include <typeinfo>

#include "keel/core/error.h"

namespace keel::testing {

// The message of the E that f() throws; told from any other outcome by what comes back instead of it.
template <class E = Error, class F>
std::string message_of(const F& f) {
  try {
    f();
  } catch (const std::exception& error) {
    // Exactly E: a base class in its place would pass a catch clause, and the contract names the type.
    if (typeid(error) == typeid(E)) return error.what();
    return std::string("an error of another type: ") + error.what();
  }
  return "no error";
}

}  // namespace keel::testing
