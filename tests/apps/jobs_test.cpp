#include "support/jobs.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

namespace keel::apps {
namespace {

using namespace std::chrono_literals;

TEST(RunJobs, RunsEachTaskOnce) {
  for (const Index jobs : {1, 2, 3, 64}) {
    std::vector<std::atomic<int>> runs(7);
    run_jobs(7, jobs, [&](Index i) { ++runs[static_cast<std::size_t>(i)]; });
    for (const auto& count : runs) EXPECT_EQ(count, 1) << jobs;
  }
  run_jobs(0, 2, [](Index) { FAIL(); });
}

TEST(RunJobs, OneJobIsOneTaskAfterTheOtherOnTheCallingThread) {
  std::vector<Index> order;
  const std::thread::id caller = std::this_thread::get_id();
  run_jobs(4, 1, [&](Index i) {
    EXPECT_EQ(std::this_thread::get_id(), caller);
    order.push_back(i);
  });
  EXPECT_EQ(order, (std::vector<Index>{0, 1, 2, 3}));
}

TEST(RunJobs, GivesWhatATaskThrowsToTheCallerAndBeginsNoMore) {
  for (const Index jobs : {1, 2, 3}) {
    std::atomic<int> begun = 0;
    try {
      run_jobs(100, jobs, [&](Index i) {
        ++begun;
        std::this_thread::sleep_for(1ms);
        if (i == 2) throw std::runtime_error("no space left");
      });
      ADD_FAILURE() << jobs;
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), "no space left");
    }
    EXPECT_LE(begun, 20) << jobs;
  }
}

// Each of the first two tasks waits until the other has begun: with fewer than two at a time this would not
// end.
TEST(RunJobs, RunsSoManyAtATimeAndNoMore) {
  std::atomic<int> running = 0, most = 0;
  std::atomic<bool> met = false;
  run_jobs(6, 2, [&](Index) {
    const int now = ++running;
    most = std::max<int>(most, now);
    if (now == 2) met = true;
    for (int waited = 0; !met && waited < 5000; ++waited) std::this_thread::sleep_for(1ms);
    std::this_thread::sleep_for(2ms);
    --running;
  });
  EXPECT_TRUE(met);
  EXPECT_EQ(most, 2);
}

}  // namespace
}  // namespace keel::apps
