#include "report/answers/values.h"

namespace nibble::report {

std::size_t depth_of(const rag::AttentionRecord& record) {
  const std::size_t last = record.documents.size() - 1;
  const auto gold = record.gold();
  return last == 0 || gold.empty() ? 0 : (2 * gold.front() * (kDepths - 1) + last) / (2 * last);
}

ByQuestion values_by_question(const store::Store& store,
                              std::string_view unit,
                              std::string_view metric) {
  ByQuestion out;
  const std::vector<std::string> ids = store.sample_ids(unit);
  const std::vector<std::size_t> indexes = store.sample_indexes(unit);
  std::map<std::size_t, std::size_t> places;
  for (std::size_t i = 0; i < indexes.size(); ++i) {
    places.emplace(indexes[i], i);
  }
  for (const store::ScoreRow& row : store.scores(unit, metric)) {
    if (row.ratio) {
      out.emplace(ids[places.at(row.index)], row.ratio->sum / row.ratio->weight);
    }
  }
  return out;
}

ByQuestion depths_by_question(const store::Store& store, std::string_view unit) {
  ByQuestion out;
  const std::vector<std::string> ids = store.sample_ids(unit);
  const std::vector<std::size_t> indexes = store.sample_indexes(unit);
  for (std::size_t i = 0; i < indexes.size(); ++i) {
    if (const auto packed = store.attention(unit, indexes[i])) {
      const rag::AttentionRecord record = rag::unpack_attention(*packed).take();
      if (!record.gold().empty()) {
        out.emplace(ids[i], static_cast<double>(depth_of(record)));
      }
    }
  }
  return out;
}

MatchedValues matched(const ByQuestion& first, const ByQuestion& second) {
  MatchedValues out;
  for (const auto& [question, value] : first) {
    if (const auto other = second.find(question); other != second.end()) {
      out.first.push_back(value);
      out.second.push_back(other->second);
    }
  }
  return out;
}

ByQuestion restricted(const ByQuestion& values, const ByQuestion& of) {
  ByQuestion out;
  for (const auto& [question, value] : values) {
    if (of.contains(question)) {
      out.emplace(question, value);
    }
  }
  return out;
}

}  // namespace nibble::report
