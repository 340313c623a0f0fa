#include "snapshot/chunk_size.h"

#include <gtest/gtest.h>

namespace brigade {
namespace {

// Chunks on a machine that takes `row` for each row, until the size has settled.
void copy(ChunkSize& size, ChunkSize::Duration row) {
  for (int chunk = 0; chunk < 20; chunk++) size.learn(size.rows(), size.rows() * row);
}

TEST(ChunkSize, ChunksTakeTheTimeThatCommitsMayWait) {
  ChunkSize size;
  copy(size, std::chrono::microseconds(10));
  EXPECT_NEAR(size.rows(), 2000, 2);
  copy(size, std::chrono::microseconds(20));
  EXPECT_NEAR(size.rows(), 1000, 2);
  copy(size, std::chrono::microseconds(10));
  EXPECT_NEAR(size.rows(), 2000, 2);
}

TEST(ChunkSize, SizesHaveLimits) {
  ChunkSize size;
  copy(size, std::chrono::nanoseconds(1));
  EXPECT_EQ(size.rows(), ChunkSize::rows_max);
  copy(size, std::chrono::seconds(1));
  EXPECT_EQ(size.rows(), ChunkSize::rows_min);
}

TEST(ChunkSize, OneSlowChunkDoesNotDecide) {
  ChunkSize size;
  copy(size, std::chrono::microseconds(10));
  size.learn(size.rows(), std::chrono::seconds(1));
  EXPECT_GT(size.rows(), 900);
}

}  // namespace
}  // namespace brigade
