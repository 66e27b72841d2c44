#include "rag/answer/question_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "base/suggest.h"
#include "rag/answer/sets/readers.h"

namespace nibble::rag {
namespace {

struct SetReader {
  QuestionSetRow row;
  QuestionSet (*read)(const SetRequest& request);
  bool takes_argument = false;  ///< behind a colon
};

constexpr std::array kReaders = {
    SetReader{{"squad", "SQuAD v1.1: the passage among others of the set"}, &read_squad},
    SetReader{{"nq", "Natural Questions with their passage, among others (lost in the middle)"},
              &read_lost_in_the_middle},
    SetReader{{"hotpotqa", "HotpotQA: two passages hold the answer, eight more are offered"},
              &read_hotpotqa},
    SetReader{{"musique", "MuSiQue: two to four passages hold the answer, of twenty"},
              &read_musique},
    SetReader{{"nq_open", "Natural Questions alone: closed-book, or with an index"}, &read_nq_open},
    SetReader{{"triviaqa", "TriviaQA alone: closed-book, or with an index"}, &read_triviaqa},
    SetReader{{"drop", "DROP: a passage, a question about its numbers"}, &read_drop},
    SetReader{{"quac", "QuAC: a passage, earlier turns, a question that may have no answer"},
              &read_quac},
    SetReader{{"rgb_noise", "RGB: five passages, 40 % without the answer (rgb_noise:PERCENT)"},
              &read_rgb_noise,
              true},
    SetReader{{"rgb_rejection", "RGB: five passages, none with the answer"}, &read_rgb_rejection},
    SetReader{{"rgb_integration", "RGB: parts of the answer in several passages"},
              &read_rgb_integration},
    SetReader{{"rgb_counterfactual", "RGB: passages that say something false"},
              &read_rgb_counterfactual},
    SetReader{{"demo", "the demo corpus: the passage among the others"}, &read_demo},
};

Failure unknown_set(std::string_view name) {
  std::vector<std::string_view> names;
  for (const SetReader& reader : kReaders) {
    names.push_back(reader.row.name);
  }
  return fail(ErrorCode::kNotFound,
              "unknown set of questions '{}'{}; wanted one of {}, or a file FILE.jsonl",
              name,
              did_you_mean(name, names),
              fmt::join(names, ", "));
}

void check_ids(const QuestionSet& set, std::string_view where) {
  std::map<std::string_view, std::size_t> first;
  for (std::size_t i = 0; i < set.questions.size(); ++i) {
    const auto [at, is_new] = first.emplace(set.questions[i].id, i);
    if (!is_new) {
      raise(ErrorCode::kCorruptData,
            "{}: questions {} and {} have one id, '{}'",
            where,
            at->second + 1,
            i + 1,
            set.questions[i].id);
    }
  }
}

/// nullptr where there is none of that name.
const SetReader* find_reader(std::string_view name) {
  const std::string_view head = name.substr(0, name.find(':'));
  const bool has_argument = head.size() < name.size();
  const auto* found = std::ranges::find_if(kReaders, [&](const SetReader& one) {
    return one.row.name == head && (one.takes_argument || !has_argument);
  });
  return found == kReaders.end() ? nullptr : found;
}

QuestionSet read_named(std::string_view name, const std::filesystem::path& data) {
  if (is_question_file(name)) {
    return read_own_set(std::filesystem::path(name));
  }
  const SetReader* reader = find_reader(name);
  if (reader == nullptr) {
    throw Error(unknown_set(name));
  }
  const std::size_t colon = name.find(':');
  const std::string argument(colon < name.size() ? name.substr(colon + 1) : "");
  return reader->read({std::string(name), argument, data});
}

}  // namespace

bool is_question_file(std::string_view name) {
  return name.ends_with(".jsonl") || name.ends_with(".jsonl.gz");
}

std::span<const QuestionSetRow> question_set_table() {
  static const auto kRows = [] {
    std::array<QuestionSetRow, kReaders.size()> rows;
    std::ranges::transform(kReaders, rows.begin(), &SetReader::row);
    return rows;
  }();
  return kRows;
}

Result<void> check_question_set_name(std::string_view name) {
  if (!is_question_file(name) && find_reader(name) == nullptr) {
    return unknown_set(name);
  }
  return {};
}

Result<std::shared_ptr<const QuestionSet>> read_question_set(std::string_view name,
                                                             const std::filesystem::path& data) {
  try {
    auto set = std::make_shared<QuestionSet>(read_named(name, data));
    if (set->name.empty()) {
      set->name = name;
    }
    check_ids(*set, name);
    if (set->questions.empty()) {
      raise(ErrorCode::kCorruptData, "{}: no questions, wanted at least one", name);
    }
    return std::shared_ptr<const QuestionSet>(std::move(set));
  } catch (const Error& error) {
    return error.failure();
  }
}

}  // namespace nibble::rag
