#include "eval/task_file/shots.h"

#include <numeric>

#include "base/error.h"
#include "eval/python_random.h"

namespace nibble::eval {
namespace {

using Positions = std::vector<std::size_t>;

bool is_same(const data::Row& a, const data::Row& b) {
  return text::jinja::are_equal(a, b);
}

/// Those of `candidates` that are not the row itself, `n` at most.
Positions others(const Positions& candidates,
                 const data::Row& row,
                 std::span<const data::Row> pool,
                 std::size_t n) {
  Positions out;
  for (const std::size_t position : candidates) {
    if (out.size() < n && !is_same(pool[position], row)) {
      out.push_back(position);
    }
  }
  return out;
}

class Drawer {
 public:
  Drawer(const ShotRule& rule, std::size_t n_shots, std::span<const data::Row> pool)
      : rule_(rule), n_shots_(n_shots), pool_(pool), all_(pool.size()) {
    std::iota(all_.begin(), all_.end(), std::size_t{0});
  }

  Positions draw(const data::Row& row) {
    if (rule_.sampler == Sampler::kFirst) {
      return checked(rule_.leaves_itself_out
                         ? others(all_, row, pool_, n_shots_)
                         : Positions(all_.begin(),
                                     all_.begin() + static_cast<std::ptrdiff_t>(
                                                        std::min(n_shots_, all_.size()))));
    }
    if (!rule_.leaves_itself_out) {
      return random_.sample(pool_.size(), n_shots_);
    }
    Positions out = others(random_.sample(pool_.size(), n_shots_ + 1), row, pool_, n_shots_);
    return out.size() == n_shots_ ? out : draw_anew(row);
  }

 private:
  [[nodiscard]] Positions checked(Positions positions) const {
    if (positions.size() < n_shots_) {
      raise(ErrorCode::kInvalidArgument,
            "{} solved examples wanted, the pool has {}",
            n_shots_,
            positions.size());
    }
    return positions;
  }

  Positions draw_anew(const data::Row& row) {
    const Positions left = others(all_, row, pool_, all_.size());
    Positions out;
    for (const std::size_t at : random_.sample(left.size(), n_shots_)) {
      out.push_back(left[at]);
    }
    return out;
  }

  const ShotRule& rule_;
  std::size_t n_shots_;
  std::span<const data::Row> pool_;
  Positions all_;
  PythonRandom random_{kFewShotSeed};
};

}  // namespace

std::vector<Positions> draw_shots(const ShotRule& rule,
                                  std::size_t n_shots,
                                  std::span<const data::Row> rows,
                                  std::span<const data::Row> pool) {
  std::vector<Positions> out(rows.size());
  if (n_shots > 0) {
    Drawer drawer(rule, n_shots, pool);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      out[i] = drawer.draw(rows[i]);
    }
  }
  return out;
}

}  // namespace nibble::eval
