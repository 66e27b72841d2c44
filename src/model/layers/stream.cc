#include "model/layers/stream.h"

#include <algorithm>

#include "ops/elementwise.h"

namespace nibble::model {
namespace {

void gather(MatrixView<const float> from,
            std::span<const std::uint32_t> rows,
            MatrixView<float> to) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::ranges::copy(from.row_span(rows[i]), to.row(i));
  }
}

}  // namespace

Stream::Stream(const StreamContext& context,
               PackedBatch batch,
               std::span<const std::uint32_t> wanted)
    : context_(context), all_(std::move(batch)), wanted_(wanted) {
  const std::size_t width = context_.config.hidden;
  hidden_ = scratch(Workspace::kHidden, all_.n_rows(), width);
  normed_ = scratch(Workspace::kNormed, all_.n_rows(), width);
  branch_ = scratch(Workspace::kBranch, all_.n_rows(), width);
}

void Stream::enter_layer(std::size_t layer) {
  layer_ = layer;
  narrows_ = layer + 1 == context_.config.n_layers && wanted_.size() < all_.n_rows();
  all_.enter_layer(context_.cache, layer);
  if (probes() != nullptr) {
    probes()->enter_layer(context_.cache, layer);
  }
}

void Stream::normalize(std::span<const float> weight) {
  if (n_rows() > 0) {
    ops::rms_norm(hidden_, weight, context_.config.norm_epsilon, normed_, context_.pool);
  }
}

void Stream::normalize_branch(std::span<const float> weight) {
  if (n_rows() > 0) {
    ops::rms_norm(branch_, weight, context_.config.norm_epsilon, branch_, context_.pool);
  }
}

void Stream::add_branch() {
  if (n_rows() > 0) {
    ops::add_in_place(branch_, hidden_, context_.pool);
  }
}

void Stream::narrow() {
  const std::size_t width = context_.config.hidden;
  const auto hidden = scratch(Workspace::kHiddenWanted, wanted_.size(), width);
  const auto normed = scratch(Workspace::kNormedWanted, wanted_.size(), width);
  gather(hidden_, wanted_, hidden);
  gather(normed_, wanted_, normed);
  hidden_ = hidden;
  normed_ = normed;
  branch_ = branch_.rows_from(0, wanted_.size());
  narrowed_ = all_.select(wanted_);
  narrowed_->enter_layer(context_.cache, layer_);
  narrows_ = false;
}

}  // namespace nibble::model
