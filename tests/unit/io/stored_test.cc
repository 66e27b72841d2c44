#include "io/stored.h"

#include <gtest/gtest.h>

#include <numeric>

namespace nibble::io {
namespace {

TEST(Stored, LeadingDimensionsFoldIntoRows) {
  const auto folded = [](Shape shape) {
    const auto [rows, cols] = fold(shape);
    return std::pair(rows, cols);
  };
  EXPECT_EQ(folded({}), std::pair(std::size_t{1}, std::size_t{1}));
  EXPECT_EQ(folded({5}), std::pair(std::size_t{1}, std::size_t{5}));
  EXPECT_EQ(folded({2, 3, 4}), std::pair(std::size_t{6}, std::size_t{4}));
}

TEST(Stored, APlainTensorKeepsItsShapeBesideTheMatrix) {
  std::vector<float> values(24);
  std::iota(values.begin(), values.end(), 0.0F);
  const StoredTensor stored =
      dense_stored("t", Tensor::from<float>(DType::kF32, {2, 3, 4}, values));
  EXPECT_EQ(stored.shape, (Shape{2, 3, 4}));
  EXPECT_EQ(stored.matrix.rows, 6U);
  EXPECT_EQ(codec::decode_all(stored.matrix), values);
}

TEST(Stored, AMissingTensorGetsTheNearestName) {
  const std::vector<std::string> names = {"model.norm.weight", "lm_head.weight"};
  EXPECT_EQ(no_such_tensor("model.nrm.weight", names).message,
            "no tensor 'model.nrm.weight' (did you mean 'model.norm.weight'?)");
}

TEST(Stored, AMissingLayerIsNotTakenForAnother) {
  const std::vector<std::string> names = {
      "blk.0.attn_q.weight", "blk.12.attn_q.weight", "blk.12.attn_k.weight"};
  EXPECT_EQ(no_such_tensor("blk.1.attn_q.weight", names).message,
            "no tensor 'blk.1.attn_q.weight'");
  EXPECT_EQ(no_such_tensor("blk.12.atn_q.weight", names).message,
            "no tensor 'blk.12.atn_q.weight' (did you mean 'blk.12.attn_q.weight'?)");
}

TEST(Stored, HashesPiecesAsOne) {
  const std::string text(std::size_t{40} << 20, 'x');
  Sha256 hash;
  hash_bytes(hash, std::as_bytes(std::span(text)));
  EXPECT_EQ(hash.hex(), sha256_hex(text));
}

}  // namespace
}  // namespace nibble::io
