#include "report/retrieval/gather.h"

#include <gmock/gmock.h>

#include "report/data.h"
#include "retrieval_store.h"
#include "support/files.h"

namespace nibble::report {
namespace {

class RetrievalGatherTest : public ::testing::Test {
 protected:
  nibble::testing::TempFolder folder_;
  Data data_ = gather(retrieval_store(folder_ / "s.db"));
};

TEST_F(RetrievalGatherTest, RetrieversAreToldApartFromModels) {
  ASSERT_EQ(data_.variants.size(), 2U);
  ASSERT_EQ(data_.tasks.size(), 2U);
  ASSERT_EQ(data_.retrievers.size(), 2U);
  EXPECT_EQ(data_.retrievers[1].name, "mini");
  EXPECT_EQ(data_.retrievers[1].set, "s");
  EXPECT_EQ(data_.n_units, 8U);
  EXPECT_EQ(data_.n_units_done, 7U) << "all but one model behind mini";
  EXPECT_EQ(retriever_of(data_.tasks[1]), "mini");
  const store::Plan models = without_retrievers(retrieval_plan());
  EXPECT_EQ(models.units.size(), 4U);
  EXPECT_EQ(models.tasks.size(), 2U);
}

TEST_F(RetrievalGatherTest, MemoryIsOfEncoderAndIndex) {
  EXPECT_EQ(data_.retrievers[0].memory_bytes().value, 2e6);
  EXPECT_EQ(data_.retrievers[1].memory_bytes().value, 7e6);
  EXPECT_EQ(data_.retrievers[0].search_ms.value->median, 2.0);
  EXPECT_EQ(data_.retrievers[0].build_cost().value->cpu_seconds, 0.75);
  EXPECT_EQ(data_.retrievers[1].build_cost().reason, "made in several runs");
  EXPECT_EQ(Retriever{}.build_cost().reason, "not run yet");
}

TEST_F(RetrievalGatherTest, ChangesArePairedWithTheFirstRetriever) {
  ASSERT_EQ(data_.pipelines.size(), 4U);
  EXPECT_EQ(data_.pipelines[0].change.reason, "the first retriever");
  const Pipeline& behind_mini = data_.pipelines[2];
  EXPECT_EQ(behind_mini.task, 1U);
  EXPECT_EQ(behind_mini.retriever, 1U);
  ASSERT_TRUE(behind_mini.change.value);
  EXPECT_DOUBLE_EQ(behind_mini.change.value->value, 0.25) << "one question of four more";
  EXPECT_EQ(behind_mini.change.value->n, 4U);
  EXPECT_EQ(data_.pipelines[3].change.reason, "not run yet");
}

TEST_F(RetrievalGatherTest, WhatWasNotRunHasAReason) {
  store::Store store = store::Store::in_memory();
  store.replace_plan(retrieval_plan());
  const auto retrievers = gather_retrievers(store);
  ASSERT_EQ(retrievers.size(), 2U);
  EXPECT_EQ(retrievers[0].search_ms.reason, "not run yet");
  EXPECT_EQ(retrievers[0].memory_bytes().reason, "not run yet");
  EXPECT_EQ(retrievers[0].searches.at(0).metrics.at(0).reason, "not run yet");
  EXPECT_EQ(retrievers[0].n_units_done, 0U);
}

}  // namespace
}  // namespace nibble::report
