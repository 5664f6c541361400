#include "kernels/dispatch/threads.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "support/threads.h"

namespace keel::kernels {
namespace {

// Calls body(i) for i in [0, chunks).
template <class Body>
void loop(std::int64_t chunks, int threads, Body& body) {
  for_each_chunk(chunks, threads, &body,
                 [](void* context, std::int64_t i) { (*static_cast<Body*>(context))(i); });
}

// Chunks that wait for each other: as many threads as there are chunks come.
class Meeting {
 public:
  explicit Meeting(int chunks) : chunks_(chunks) {}
  void wait() {
    ++arrived_;
    while (arrived_ < chunks_) std::this_thread::yield();
  }

 private:
  const int chunks_;
  std::atomic<int> arrived_ = 0;
};

TEST(Threads, SlotsAreBelowTheLoopsOwnNumberOfThreads) {
  const keel::testing::ThreadsGuard guard(4);
  std::vector<int> slots(3, -1);
  Meeting meeting(3);
  auto body = [&](std::int64_t i) {
    slots[static_cast<std::size_t>(i)] = loop_slot();
    meeting.wait();
  };
  loop(3, 3, body);
  std::sort(slots.begin(), slots.end());
  EXPECT_EQ(slots, std::vector<int>({0, 1, 2}));
  EXPECT_EQ(loop_slot(), 0);
}

// What it works in has room for the threads that there were when it was made, which may be one.
TEST(Threads, ALoopInsideALoopHasSlotZero) {
  std::atomic<int> wrong = 0;
  Meeting meeting(3);
  auto outer = [&](std::int64_t) {
    const int slot = loop_slot();
    meeting.wait();
    auto inner = [&](std::int64_t) { wrong += loop_slot() != 0; };
    loop(5, 1, inner);
    loop(5, 4, inner);
    wrong += loop_slot() != slot;
  };
  loop(3, 3, outer);
  EXPECT_EQ(wrong, 0);
}

TEST(Threads, OneThreadIsTheCaller) {
  const keel::testing::ThreadsGuard guard(4);
  const std::thread::id caller = std::this_thread::get_id();
  int others = 0;
  auto body = [&](std::int64_t) { others += std::this_thread::get_id() != caller; };
  loop(100, 1, body);
  EXPECT_EQ(others, 0);
}

}  // namespace
}  // namespace keel::kernels
