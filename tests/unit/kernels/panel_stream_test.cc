#include "kernels/panel_stream.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cstring>
#include <span>

#include "base/error.h"
#include "codec/block_codec.h"
#include "codec/dense.h"
#include "codec/gguf_blocks.h"
#include "codec/int_group.h"

namespace nibble::kernels {
namespace {

class Memory final : public ByteSink, public ByteSource {
 public:
  void write(std::span<const std::byte> more) override {
    bytes.insert(bytes.end(), more.begin(), more.end());
  }
  std::size_t remaining() const noexcept override { return bytes.size() - at_; }
  void read(std::span<std::byte> out) override {
    if (out.size() > remaining()) {
      raise(ErrorCode::kCorruptData, "the end");
    }
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(at_), out.size(), out.begin());
    at_ += out.size();
  }

  std::vector<std::byte> bytes;

 private:
  std::size_t at_ = 0;
};

/// Bit 6 of every byte is clear, so that no float is infinite.
codec::EncodedMatrix blocks(std::string_view name, std::size_t rows, std::size_t cols) {
  const auto codec = codec::gguf_block_codec(name);
  std::vector<std::uint8_t> bytes(rows * codec->row_bytes(cols));
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::uint8_t>((i * 37 + i / 7) & 0xBFU);
  }
  return codec::block_matrix(
      codec,
      rows,
      cols,
      Tensor::from<std::uint8_t>(DType::kU8, {rows, codec->row_bytes(cols)}, bytes));
}

/// Eight groups of 8 in the opposite order of the inputs.
codec::EncodedMatrix permuted() {
  codec::IntGroupCodes codes;
  for (std::size_t i = 0; i < 20 * 64; ++i) {
    codes.codes.push_back(static_cast<std::uint8_t>(i % 11));
  }
  codes.scales.assign(20 * 8, 0.5F);
  codes.zeros.assign(20 * 8, 3.0F);
  for (std::uint32_t p = 0; p < 64; ++p) {
    codes.order.push_back(63 - p);
  }
  return codec::pack_int_group(*codec::int_group_from_name("int4g8pa"), 20, 64, codes);
}

std::vector<codec::EncodedMatrix> one_of_each() {
  std::vector<float> values(20 * 33);
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<float>(i % 19) - 9.0F;
  }
  std::vector<codec::EncodedMatrix> out;
  out.push_back(codec::dense_matrix(Tensor::from<float>(DType::kF32, {20, 33}, values)));
  for (const char* name : {"q4_0", "q4_1", "q5_1", "q8_0", "q2_k", "q3_k", "q6_k", "iq4_nl"}) {
    out.push_back(blocks(name, 20, 512));
  }
  out.push_back(permuted());
  return out;
}

TEST(PanelStream, GivesBackEveryRowOfEveryFormat) {
  ThreadPool pool(1);
  for (const codec::EncodedMatrix& weight : one_of_each()) {
    for (const Arithmetic arithmetic : {Arithmetic::kF32, Arithmetic::kNative}) {
      const Panels packed = pack_panels(weight, arithmetic, pool);
      Memory memory;
      write_panels(packed, memory);
      const Panels read = read_panels(memory, weight.rows, weight.cols);
      EXPECT_EQ(memory.remaining(), 0U);
      EXPECT_EQ(read.format, packed.format);
      EXPECT_EQ(read.n_bytes(), packed.n_bytes());
      EXPECT_EQ(read.has_offsets, packed.has_offsets);
      EXPECT_EQ(std::memcmp(read.codes.data(), packed.codes.data(), packed.codes.size()), 0);
      std::vector<float> before(weight.cols);
      std::vector<float> after(weight.cols);
      for (std::size_t row = 0; row < weight.rows; ++row) {
        unpack_panel_row(packed, row, before.data());
        unpack_panel_row(read, row, after.data());
        EXPECT_EQ(before, after) << weight.codec->name() << " row " << row;
      }
    }
  }
}

class DamagedPanelStream : public ::testing::Test {
 protected:
  DamagedPanelStream() {
    ThreadPool pool(1);
    write_panels(pack_panels(blocks("q4_1", 20, 512), Arithmetic::kNative, pool), memory_);
  }
  std::string failure(std::size_t rows = 20) {
    try {
      static_cast<void>(read_panels(memory_, rows, 512));
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kCorruptData);
      return error.what();
    }
    return "(read)";
  }
  template <class T>
  void set(std::size_t at, T value) {
    std::memcpy(memory_.bytes.data() + at, &value, sizeof(value));
  }

  Memory memory_;
};

TEST_F(DamagedPanelStream, OfAnotherShapeIsRefusedWithBoth) {
  EXPECT_EQ(failure(36), "packed weights: shape [20, 512], expected [36, 512]");
}
TEST_F(DamagedPanelStream, AnUnknownFormatIsRefused) {
  set<std::uint8_t>(32, 200);
  EXPECT_THAT(failure(), ::testing::HasSubstr("format"));
}
TEST_F(DamagedPanelStream, AGroupOfNothingIsRefused) {
  set<std::uint64_t>(16, 0);
  EXPECT_THAT(failure(), ::testing::HasSubstr("group"));
}
TEST_F(DamagedPanelStream, ASuperShiftBeyondTheWordIsRefused) {
  set<std::uint8_t>(35, 64);
  EXPECT_THAT(failure(), ::testing::HasSubstr("super shift"));
}
TEST(PanelStream, AnOrderBeyondTheColumnsIsRefused) {
  ThreadPool pool(1);
  Memory memory;
  write_panels(pack_panels(permuted(), Arithmetic::kNative, pool), memory);
  const std::int32_t column = 64;
  std::memcpy(memory.bytes.data() + memory.bytes.size() - 4, &column, sizeof(column));
  EXPECT_THROW(static_cast<void>(read_panels(memory, 20, 64)), Error);
}
TEST_F(DamagedPanelStream, ACutFileIsRefusedBeforeMemoryIsTaken) {
  memory_.bytes.resize(memory_.bytes.size() / 2);
  EXPECT_THAT(failure(), ::testing::HasSubstr("ends within a matrix"));
}
TEST_F(DamagedPanelStream, ACutHeaderIsRefused) {
  memory_.bytes.resize(20);
  EXPECT_EQ(failure(), "the end");
}

}  // namespace
}  // namespace nibble::kernels
