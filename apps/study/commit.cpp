#include "study/commit.h"

#include "keel_commit.h"

namespace keel::study {

std::string built_from() { return KEEL_COMMIT; }

bool may_use(const std::string& commit, const std::string& found_by) {
  return found_by == commit || found_by.find("-dirty") == std::string::npos;
}

}  // namespace keel::study
