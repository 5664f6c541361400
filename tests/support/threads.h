// The number of threads as a property of a scope.
#pragma once

#include "keel/core/parallel.h"

namespace keel::testing {

// Sets the number of threads and puts back what it was, also when an assertion leaves the test early.
class ThreadsGuard {
 public:
  explicit ThreadsGuard(int threads) : before_(num_threads()) { set_num_threads(threads); }
  ~ThreadsGuard() { set_num_threads(before_); }
  ThreadsGuard(const ThreadsGuard&) = delete;
  ThreadsGuard& operator=(const ThreadsGuard&) = delete;

 private:
  int before_;
};

// f() run with one thread, and again with three.
template <class F>
auto with_one_thread(const F& f) {
  const ThreadsGuard guard(1);
  return f();
}
template <class F>
auto with_three_threads(const F& f) {
  const ThreadsGuard guard(3);
  return f();
}

}  // namespace keel::testing
