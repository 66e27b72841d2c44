/// How often a running study sums up what is stored, so that a report in between has it.
///
/// Summing up walks over the whole plan. After every variant it would make the time of a study grow
/// with the square of the number of variants; here it takes at most a twentieth of the time, and
/// what a variant adds is summed up at once where variants take long.
///
/// Source     our own
#pragma once

#include <chrono>

namespace nibble::study {

class SummaryPace {
 public:
  using Time = std::chrono::steady_clock::time_point;

  [[nodiscard]] bool is_due(Time now) const { return now - ended_ >= kWorkBetween * took_; }
  void summed_up(Time began, Time ended) {
    took_ = ended - began;
    ended_ = ended;
  }

 private:
  static constexpr int kWorkBetween = 19;  // times what the last summing up took
  Time ended_{};
  std::chrono::steady_clock::duration took_{};
};

}  // namespace nibble::study
