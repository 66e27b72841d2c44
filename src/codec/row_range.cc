#include "codec/row_range.h"

#include "base/check.h"

namespace nibble::codec {
namespace {

class RowRange final : public Codec {
 public:
  RowRange(EncodedMatrix whole, std::size_t first) : whole_(std::move(whole)), first_(first) {}

  std::string name() const override { return whole_.codec->name(); }
  double bits_per_weight(std::size_t rows, std::size_t cols) const override {
    return whole_.codec->bits_per_weight(rows, cols);
  }
  Result<void> validate(const EncodedMatrix& /*matrix*/) const override {
    return whole_.codec->validate(whole_);
  }
  void decode_rows(const EncodedMatrix& /*matrix*/,
                   std::size_t first,
                   std::size_t n,
                   float* out) const override {
    whole_.codec->decode_rows(whole_, first_ + first, n, out);
  }
  std::optional<Grid> grid(const EncodedMatrix& /*matrix*/) const override {
    return whole_.codec->grid(whole_);
  }
  void unpack_row(const EncodedMatrix& /*matrix*/,
                  std::size_t row,
                  std::span<std::uint8_t> codes,
                  std::span<float> scales,
                  std::span<float> offsets) const override {
    whole_.codec->unpack_row(whole_, first_ + row, codes, scales, offsets);
  }
  void unpack_integer_scales(const EncodedMatrix& /*matrix*/,
                             std::size_t row,
                             const IntegerScales& out) const override {
    whole_.codec->unpack_integer_scales(whole_, first_ + row, out);
  }

 private:
  EncodedMatrix whole_;
  std::size_t first_;
};

}  // namespace

EncodedMatrix row_range(const EncodedMatrix& whole, std::size_t first, std::size_t n) {
  NIBBLE_CHECK(first <= whole.rows && n <= whole.rows - first, "row_range: rows past the end");
  return {std::make_shared<RowRange>(whole, first), n, whole.cols, {}};
}

}  // namespace nibble::codec
