// Tensors with names: the state of a model or an optimiser, as it is saved and loaded.
#pragma once

#include <string>
#include <vector>

#include "keel/core/tensor.h"

namespace keel {

struct NamedTensor {
  std::string name;
  Tensor tensor;
};

// What keeps given tensors from filling expected places. Empty if each fills one and none is left.
struct StateDifference {
  struct Mismatch {
    std::string name;
    std::string expected;  // "[784,128] float32"
    std::string found;
  };
  std::vector<std::string> missing;     // expected, and not given
  std::vector<std::string> unexpected;  // given, and not expected
  std::vector<Mismatch> mismatched;  // given with another shape, or integers for reals or reals for integers

  bool empty() const { return missing.empty() && unexpected.empty() && mismatched.empty(); }
  // All of it in one line; of long lists the first names and how many more there are.
  //   "missing 2: '0.weight', '0.bias'; unexpected 1: 'fc.weight'; mismatched 1: '1.weight' (expected ..."
  std::string to_string() const;
};

// Tensors that are to be copied into places of the same names.
struct StateMatch {
  struct Copy {
    std::size_t place;  // index among the expected tensors
    Tensor source;      // of the place's shape and element type
  };
  StateDifference difference;
  std::vector<Copy> copies;  // in the order of the places
};

// Finds for each expected tensor the given one of its name. Element types of reals convert into each other,
// as Tensor::to() does it.
//   throws: ValueError naming `operation` if two of the given tensors have one name, or one is undefined
StateMatch match_state(const char* operation, const std::vector<NamedTensor>& expected,
                       const std::vector<NamedTensor>& given);

}  // namespace keel
