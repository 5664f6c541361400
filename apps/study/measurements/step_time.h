// How long a step of training takes, and a forward pass in evaluation.
#pragma once

#include "study/claim.h"

namespace keel::study {

// Setting:
//   arms         by name, what study/training.h has
//   steps        in one repetition
//   repetitions  in each, all arms take their turn: what else the machine does meets all of them
// The result, by arm, medians over the repetitions of the processor's time:
//   step         microseconds of an update, with the gathering of its batch
//   forward      microseconds of a batch in evaluation mode
//   folded       the same with BN folded into the layers next to it
// and "others": how many processors were busy meanwhile with something else, other machines on the same
// hardware included if the system tells of them. That makes times longer though they are the processor's.
// Null where the system does not say
const Measurement& step_time();

// Adds "others" of the trials with a label, if it is known. `words` end the number's name.
void add_others(const Results& results, const std::string& label, const std::string& words, Report& report);

// The setting for it.
Json timed(Json arms, Index steps, Index repetitions);

// 784-width-width-width-10 without a norm and with BN: the arms "none" and "batch".
Json timed_with_norm(Index width, const Plan& plan);

}  // namespace keel::study
