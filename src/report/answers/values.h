/// What a store says of answers, question by question: what statistics of one variant are made of,
/// read when they are made and kept no longer.
///
/// Errors     those of the store; kCorruptData for attention that cannot be unpacked
/// Source     our own
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "rag/answer/attention_record.h"
#include "store/store.h"

namespace nibble::report {

/// A value of each question that has one, by its id.
using ByQuestion = std::map<std::string, double, std::less<>>;

/// One metric of a unit.
ByQuestion values_by_question(const store::Store& store,
                              std::string_view unit,
                              std::string_view metric);

/// Where the first right document stands: in fourths of the way from the first to the last one.
inline constexpr std::size_t kDepths = 5;
std::size_t depth_of(const rag::AttentionRecord& record);

/// Of the questions whose attention was measured.
ByQuestion depths_by_question(const store::Store& store, std::string_view unit);

/// Values of the questions that both have, in one order.
struct MatchedValues {
  std::vector<double> first, second;
};
MatchedValues matched(const ByQuestion& first, const ByQuestion& second);

/// `values` of the questions that `of` has.
ByQuestion restricted(const ByQuestion& values, const ByQuestion& of);

}  // namespace nibble::report
