// What this library was built from and runs as, for run records and bug reports.
#pragma once

#include <string>

namespace keel {

struct BuildInfo {
  std::string version;     // "0.1.0"
  std::string compiler;    // "gcc 12.2.0"
  std::string build_type;  // "Release"
  std::string isa;         // the instruction set level the kernels run at: "v3" is x86-64-v3
};
BuildInfo build_info();

}  // namespace keel
