#include "keel/core/build_info.h"

#include <fmt/format.h>

#include "kernels/dispatch/isa.h"

namespace keel {

BuildInfo build_info() {
#if defined(__clang__)
  const std::string compiler =
      fmt::format("clang {}.{}.{}", __clang_major__, __clang_minor__, __clang_patchlevel__);
#else
  const std::string compiler = fmt::format("gcc {}.{}.{}", __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__);
#endif
  return {KEEL_VERSION, compiler, KEEL_BUILD_TYPE, kernels::kIsaNames[kernels::isa_level()]};
}

}  // namespace keel
