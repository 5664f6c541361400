#include "study/trial.h"

namespace keel::study {

std::string key_of(const Measurement& measurement, const Json& setting, std::uint64_t seed) {
  return Json{{"measurement", measurement.name},
              {"version", measurement.version},
              {"setting", setting},
              {"seed", seed}}
      .dump();
}

}  // namespace keel::study
