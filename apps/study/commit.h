// The commit that the program was built from.
#pragma once

#include <string>

namespace keel::study {

// 40 hexadecimal digits, with "-dirty" behind them if the sources were others; "unknown" without git.
std::string built_from();

}  // namespace keel::study
