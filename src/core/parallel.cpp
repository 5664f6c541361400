#include "keel/core/parallel.h"

#include <algorithm>
#include <exception>
#include <mutex>

#include "keel/core/error.h"
#include "kernels/dispatch/threads.h"

namespace keel {

void set_num_threads(int threads) {
  check<ValueError>(threads >= 1, "[set_num_threads] expected at least 1 thread, found {}", threads);
  kernels::set_num_threads(threads);
}

int num_threads() { return kernels::num_threads(); }

void parallel_for(Index n, Index chunk, const std::function<void(Index begin, Index end)>& body) {
  check<ValueError>(chunk >= 1, "[parallel_for] expected chunks of at least 1, found {}", chunk);
  if (n <= 0) return;
  chunk = std::min(chunk, n);  // so that no sum below overflows
  struct Loop {
    const std::function<void(Index, Index)>& body;
    Index n, chunk;
    std::mutex mutex;
    std::exception_ptr error;
    Index error_chunk;
  } loop{body, n, chunk, {}, nullptr, 0};
  kernels::for_each_chunk((n - 1) / chunk + 1, num_threads(), &loop, [](void* context, Index i) {
    Loop& l = *static_cast<Loop*>(context);
    try {
      const Index begin = i * l.chunk;
      l.body(begin, begin + std::min(l.chunk, l.n - begin));
    } catch (...) {
      const std::lock_guard lock(l.mutex);
      if (!l.error || i < l.error_chunk) {
        l.error = std::current_exception();
        l.error_chunk = i;
      }
    }
  });
  if (loop.error) std::rethrow_exception(loop.error);
}

}  // namespace keel
