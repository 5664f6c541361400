// Learning-rate schedules: pure functions of the global step, which is 0 for the first update. Nothing is
// counted in them, so a resumed run needs no state of theirs.
//
//   optim::Schedule schedule = optim::warm_up(500, optim::cosine({.initial = 0.1, .steps = 18760}));
#pragma once

#include <functional>

#include "keel/core/shape.h"

namespace keel::optim {

// throws: ValueError if step is negative
using Schedule = std::function<double(Index step)>;

// rate(step) = learning_rate.   throws: ValueError unless it is finite and > 0
Schedule constant(double learning_rate);

struct StepDecayOptions {
  double initial;
  Index every;          // steps from one change to the next
  double factor = 0.1;  // of each change
};
// rate(step) = initial * factor^floor(step / every)
//   throws: ValueError unless initial and factor are finite and > 0, and every >= 1
Schedule step_decay(const StepDecayOptions& options);

struct CosineOptions {
  double initial;
  Index steps;       // the length of the descent: usually of the whole training
  double final = 0;  // from step `steps` on
};
// rate(step) = final + (initial - final) * (1 + cos(pi * min(step, steps) / steps)) / 2
// (Loshchilov & Hutter, SGDR, arXiv:1608.03983, equation 5, without restarts)
//   throws: ValueError unless initial is finite and > 0, final finite and >= 0, and steps >= 1
Schedule cosine(const CosineOptions& options);

// rate(step) = schedule(step) * min(1, (step + 1) / steps): rises linearly over the first `steps` steps, then
// is the schedule itself, whose clock also runs during the rise (Goyal et al., arXiv:1706.02677,
// section 2.2). 0 steps are no warm-up.   throws: ValueError if steps is negative or the schedule is empty
Schedule warm_up(Index steps, Schedule schedule);

}  // namespace keel::optim
