#include "support/target.h"

#include <cstdio>
#include <cstdlib>

namespace keel::fuzz {

void expect(bool holds, const char* property) {
  if (holds) return;
  std::fprintf(stderr, "error: expected that %s\n", property);
  std::abort();
}

}  // namespace keel::fuzz
