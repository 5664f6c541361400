// Tensors as files hold them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "keel/core/named_tensor.h"

namespace keel::io {

// The elements of tensors as bytes: views of the tensors, and of 64-bit copies of those whose names are in
// `as_int64`. The tensors must outlive them.
class StoredTensors {
 public:
  // throws: ValueError naming `operation` if a name is empty or given twice, a tensor is undefined, or
  // as_int64 names what is no int32 tensor
  StoredTensors(const char* operation, const std::vector<NamedTensor>& tensors,
                const std::set<std::string>& as_int64);
  StoredTensors(const StoredTensors&) = delete;
  StoredTensors& operator=(const StoredTensors&) = delete;

  struct Stored {
    std::span<const std::byte> bytes;
    std::size_t element_size;
    bool is_int64;
  };
  const Stored& operator[](std::size_t index) const { return stored_[index]; }
  std::size_t size() const { return stored_.size(); }

 private:
  std::vector<Stored> stored_;
  std::vector<std::vector<std::int64_t>> converted_;
};

}  // namespace keel::io
