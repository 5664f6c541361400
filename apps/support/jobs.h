// Tasks side by side.
#pragma once

#include <functional>

#include "keel/core/shape.h"

namespace keel::apps {

// Calls task(0), ..., task(tasks - 1), `jobs` at a time, the next one as soon as one has ended: on the
// calling thread and jobs - 1 others. With one job that is one after the other. If a task throws, no further
// one begins, and when those that run have ended the first that was thrown goes on to the caller.
void run_jobs(Index tasks, Index jobs, const std::function<void(Index)>& task);

}  // namespace keel::apps
