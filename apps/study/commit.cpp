#include "study/commit.h"

#include "keel_commit.h"

namespace keel::study {

std::string built_from() { return KEEL_COMMIT; }

}  // namespace keel::study
