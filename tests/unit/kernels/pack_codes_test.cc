#include "kernels/pack_codes.h"

#include <gmock/gmock.h>

#include "codec/dense.h"
#include "codec/int_group.h"
#include "codec/nf4.h"

namespace nibble::kernels {
namespace {

codec::EncodedMatrix int_matrix(const char* name,
                                std::size_t rows,
                                std::size_t cols,
                                float zero_of_first) {
  const auto format = *codec::int_group_from_name(name);
  codec::IntGroupCodes codes;
  for (std::size_t i = 0; i < rows * cols; ++i) {
    codes.codes.push_back(static_cast<std::uint8_t>((i * 7 + i / cols) % (format.max_code() + 1U)));
  }
  for (std::size_t i = 0; i < rows * format.n_groups(cols); ++i) {
    codes.scales.push_back(0.5F / static_cast<float>(1U << (i % 3)));
    codes.zeros.push_back(i == 0 ? zero_of_first : static_cast<float>(format.middle()));
  }
  return codec::pack_int_group(format, rows, cols, codes);
}

/// One code, in column 5 of row 3; all others are 0.
class OneCodeCodec final : public codec::Codec {
 public:
  OneCodeCodec(std::size_t bits, std::uint8_t code) : bits_(bits), code_(code) {}
  std::string name() const override { return "one"; }
  double bits_per_weight(std::size_t /*rows*/, std::size_t /*cols*/) const override { return 0.0; }
  Result<void> validate(const codec::EncodedMatrix& /*matrix*/) const override { return {}; }
  void decode_rows(const codec::EncodedMatrix& /*matrix*/,
                   std::size_t /*first*/,
                   std::size_t /*n*/,
                   float* /*out*/) const override {}
  std::optional<codec::Grid> grid(const codec::EncodedMatrix& matrix) const override {
    return codec::Grid{.bits = bits_, .group = matrix.cols, .has_offsets = false, .codebook = {}};
  }
  void unpack_row(const codec::EncodedMatrix& /*matrix*/,
                  std::size_t row,
                  std::span<std::uint8_t> codes,
                  std::span<float> scales,
                  std::span<float> /*offsets*/) const override {
    std::ranges::fill(codes, std::uint8_t{0});
    std::ranges::fill(scales, 1.0F);
    if (row == 3) {
      codes[5] = code_;
    }
  }

 private:
  std::size_t bits_;
  std::uint8_t code_;
};

Panels pack(const codec::EncodedMatrix& weight) {
  ThreadPool pool(2);
  return pack_panels(weight, Arithmetic::kNative, pool);
}

void expect_same_values(const codec::EncodedMatrix& weight, const Panels& panels) {
  const std::vector<float> wanted = codec::decode_all(weight);
  std::vector<float> row(weight.cols);
  for (std::size_t r = 0; r < weight.rows; ++r) {
    unpack_code_row(panels, r, row.data());
    for (std::size_t c = 0; c < weight.cols; ++c) {
      ASSERT_EQ(row[c], wanted[r * weight.cols + c]) << "row " << r << " column " << c;
    }
  }
}

TEST(PackCodes, FindsTheZeroThatAllGroupsShare) {
  const auto weight = int_matrix("int4g32sh", 20, 96, 8.0F);
  const Panels panels = pack(weight);
  EXPECT_EQ(panels.format, PanelFormat::kInt4);
  EXPECT_EQ(panels.zero, 8);
  EXPECT_FALSE(panels.has_offsets);
  expect_same_values(weight, panels);
}

TEST(PackCodes, KeepsOffsetsWhereOneGroupHasAnotherZero) {
  const auto weight = int_matrix("int4g32ah", 20, 96, 3.0F);
  const Panels panels = pack(weight);
  EXPECT_TRUE(panels.has_offsets);
  EXPECT_EQ(panels.zero, 0);
  expect_same_values(weight, panels);
}

TEST(PackCodes, MeasuresWideCodesFromTheMiddle) {
  const auto weight = int_matrix("int8g32ah", 17, 64, 130.0F);
  const Panels panels = pack(weight);
  EXPECT_EQ(panels.format, PanelFormat::kInt8);
  EXPECT_EQ(panels.zero, 128);
  EXPECT_TRUE(panels.has_offsets);
  expect_same_values(weight, panels);
}

TEST(PackCodes, TinyAndHugeScalesStayInRange) {
  const auto format = *codec::int_group_from_name("int4g32s");
  codec::IntGroupCodes codes{std::vector<std::uint8_t>(2 * 32, 15), {1e-20F, 1e20F}, {8.0F, 8.0F}};
  const auto weight = codec::pack_int_group(format, 2, 32, codes);
  const Panels panels = pack(weight);
  const std::vector<float> wanted = codec::decode_all(weight);
  std::vector<float> row(32);
  for (std::size_t r = 0; r < 2; ++r) {
    unpack_code_row(panels, r, row.data());
    EXPECT_NEAR(row[0] / wanted[r * 32], 1.0F, 5e-4F);
  }
}

TEST(PackCodes, StoresAStoredBitsWorth) {
  const Panels panels = pack(int_matrix("int4g32sh", 64, 576, 8.0F));
  const double bits = 8.0 * static_cast<double>(panels.n_bytes()) / (64.0 * 576.0);
  EXPECT_NEAR(bits, 4.5, 0.06) << "4 bits a code, 16 a group of 32, 32 a row";
}

TEST(PackCodes, StoresAStoredBitsWorthOfEveryWidth) {
  struct Width {
    const char* name;
    double bits;
  };
  for (const auto& [name, bits] : {Width{"int2g64sh", 2.25}, Width{"int3g64sh", 3.25}}) {
    const Panels panels =
        pack(int_matrix(name, 64, 576, codec::int_group_from_name(name)->middle()));
    EXPECT_NEAR(8.0 * static_cast<double>(panels.n_bytes()) / (64.0 * 576.0), bits, 0.06) << name;
  }
}

/// The bits of code 21 = 10101b in column 5 of row 3: byte 3 * 4 + 1 of dword 1.
TEST(PackCodes, SplitsCodesIntoPlanes) {
  const codec::EncodedMatrix weight{std::make_shared<OneCodeCodec>(5, 21), 4, 32, {}};
  const Panels panels = pack(weight);
  ASSERT_EQ(panels.format, PanelFormat::kInt5);
  ASSERT_EQ(panels.panel_bytes, 5 * kVectorBytes);
  const auto* chunk = reinterpret_cast<const std::uint8_t*>(panels.panel(0));
  EXPECT_EQ(chunk[3 * 4 + 1], 5U << 4) << "the low nibble, behind that of dword 0";
  EXPECT_EQ(chunk[4 * kVectorBytes + 3 * 4 + 1], 1U << 1) << "bit 4 of the code is bit 1: dword 1";
}

/// Whole blocks, blocks cut by the end of a group or of the row, panels with fewer than 16 rows.
TEST(PackCodes, KeepsEveryCodeOfEveryShape) {
  for (const std::size_t rows : {3U, 16U, 35U}) {
    for (const std::size_t cols : {8U, 32U, 40U, 96U, 200U}) {
      for (const char* name : {"int2g16sh", "int3g32sh", "int4g32sh", "int5g64sh", "int8g128sh"}) {
        const auto weight =
            int_matrix(name, rows, cols, codec::int_group_from_name(name)->middle());
        expect_same_values(weight, pack(weight));
      }
    }
  }
}

TEST(PackCodes, RoundsCodebooksOfFloatsToInt8) {
  const auto format = *codec::codebook_from_name("nf4b64");
  codec::CodebookCodes codes;
  for (std::size_t i = 0; i < 3 * 128; ++i) {
    codes.codes.push_back(static_cast<std::uint8_t>(i * 5 % 16));
  }
  codes.absmax.assign(6, 0.75F);
  const auto weight = codec::pack_codebook(format, 3, 128, codes);
  const Panels panels = pack(weight);
  EXPECT_EQ(panels.format, PanelFormat::kLut4);
  const std::vector<float> wanted = codec::decode_all(weight);
  std::vector<float> row(128);
  for (std::size_t r = 0; r < 3; ++r) {
    unpack_code_row(panels, r, row.data());
    for (std::size_t c = 0; c < 128; ++c) {
      ASSERT_NEAR(row[c], wanted[r * 128 + c], 0.75F * 0.5F / 64.0F) << "row " << r;
    }
  }
}

TEST(RoundCodebook, KeepsIntegers) {
  std::array<float, 16> codebook{};
  for (std::size_t i = 0; i < 16; ++i) {
    codebook[i] = static_cast<float>(i) * 16.0F - 120.0F;
  }
  const IntegerCodebook rounded = round_codebook(codebook);
  EXPECT_EQ(rounded.multiplier, 1.0F);
  EXPECT_EQ(rounded.levels[0], -120);
  EXPECT_EQ(rounded.levels[15], 120);
}

TEST(RoundCodebook, FindsTheMultiplierThatRoundsLeast) {
  // Twelfths: a multiplier of 96 or 120 makes every level an integer.
  std::array<float, 16> codebook{};
  for (std::size_t i = 0; i < 16; ++i) {
    codebook[i] = (static_cast<float>(i) - 8.0F) / 12.0F;
  }
  const IntegerCodebook rounded = round_codebook(codebook);
  for (std::size_t i = 0; i < 16; ++i) {
    EXPECT_NEAR(static_cast<float>(rounded.levels[i]) / rounded.multiplier, codebook[i], 1e-4F);
  }
  EXPECT_EQ(rounded.levels[8], 0) << "a zero stays a zero";
}

TEST(RoundCodebook, OfZerosIsZeros) {
  EXPECT_EQ(round_codebook({}).levels, (std::array<std::int8_t, 16>{}));
}

TEST(PackCodes, LeavesWeightsWithoutAGridAlone) {
  ThreadPool pool(1);
  Panels out;
  out.rows = out.n_panels = 1;
  out.cols = 4;
  EXPECT_FALSE(pack_codes(codec::dense_matrix(Tensor::make(DType::kF32, {1, 4})), out, pool));
}

}  // namespace
}  // namespace nibble::kernels
