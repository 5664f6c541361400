// How much memory the process holds, as the system counts it.
#pragma once

#include <cstddef>

namespace keel::bench {

// Measures from its construction on.
class MemoryPeak {
 public:
  // Gives memory kept for reuse back first.
  MemoryPeak();

  // Bytes; 0 where the system does not say.
  std::size_t of_process() const;   // the most the process has held since it started
  std::size_t above_start() const;  // the most it has held since construction, beyond what it held then

 private:
  std::size_t before_;       // held at construction
  std::size_t peak_before_;  // the most until then
};

}  // namespace keel::bench
