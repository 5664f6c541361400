// The commit that the program was built from.
#pragma once

#include <string>

namespace keel::study {

// 40 hexadecimal digits; behind them, if the sources were others, "-dirty." and 12 digits that tell which;
// "unknown" without git.
std::string built_from();
// Whether a program of one commit may use what one of another found: not if that one's sources are in no
// commit, and were not the same.
bool may_use(const std::string& commit, const std::string& found_by);

}  // namespace keel::study
