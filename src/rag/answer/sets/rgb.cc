/// RGB: passages from a search engine, with and without the answer. Five passages a question, in an
/// order shuffled by a seed of the question's own.
///
/// Source     Chen et al. 2023, arXiv 2309.01431: data/en*.json, processdata() of evalue.py (its
///            random numbers are another generator's, so orders differ)
#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>

#include "base/checked_math.h"
#include "eval/stats/random.h"
#include "rag/answer/sets/readers.h"
#include "rag/answer/sets/records.h"

namespace nibble::rag {
namespace {

using Texts = std::vector<std::string>;

constexpr std::size_t kPassages = 5;
constexpr std::size_t kUsualNoise = 40;  // percent
constexpr std::uint64_t kSeed = 2333;

/// "answer": a text, or a list whose members (a text, or texts of which one is enough) must all be
/// met.
std::vector<Texts> answer_groups(const eval::Record& record) {
  if (record.is_text("answer")) {
    return {{record.text("answer")}};
  }
  std::vector<Texts> out;
  for (const Json& group : record.list("answer")) {
    Texts texts;
    for (const Json& one : group.is_array() ? group : Json::array({group})) {
      if (!one.is_string()) {
        record.reject("'answer' is no list of texts or of lists of texts");
      }
      texts.push_back(one.get<std::string>());
    }
    out.push_back(std::move(texts));
  }
  return out;
}

struct Composition {
  Texts gold, noise;
  std::string wrong_answer{};  ///< what the passages say, where that is false
};

Texts first_of(const Texts& texts, std::size_t n) {
  return {texts.begin(), texts.begin() + static_cast<std::ptrdiff_t>(std::min(n, texts.size()))};
}

/// Five passages, of which `percent` rounded up have not the answer, as far as there are such.
Composition compose(const Texts& gold, const Texts& noise, std::size_t percent) {
  std::size_t n_noise = ceil_div(kPassages * percent, 100);
  if (n_noise < kPassages) {
    n_noise = std::min(n_noise, noise.size());
    n_noise = kPassages - std::min(kPassages - n_noise, gold.size());
  }
  return {first_of(gold, kPassages - n_noise), first_of(noise, n_noise)};
}

/// One of each part, then further ones in turns.
Texts interleaved(const eval::Record& record, std::string_view key) {
  std::vector<Texts> parts;
  std::size_t longest = 0;
  for (const Json& part : record.list(key)) {
    parts.push_back(eval::Record(Json{{"part", part}}, "").texts("part"));
    longest = std::max(longest, parts.back().size());
  }
  Texts out;
  for (std::size_t i = 0; i < longest; ++i) {
    for (const Texts& part : parts) {
      if (i < part.size()) {
        out.push_back(part[i]);
      }
    }
  }
  return out;
}

void offer(const Composition& texts,
           std::size_t number,
           PassagePool& pool,
           OpenQuestion& question) {
  for (const std::string& text : texts.gold) {
    question.offers.push_back({pool.add("", text), true});
  }
  for (const std::string& text : texts.noise) {
    question.offers.push_back({pool.add("", text), false});
  }
  eval::stats::Random random(kSeed + number);
  eval::stats::shuffle(question.offers, random);
}

using Compose = Composition (*)(const eval::Record& record, std::size_t percent);

QuestionSet read_rgb(const SetRequest& request,
                     std::initializer_list<std::string_view> files,
                     std::size_t percent,
                     Compose compose_one) {
  const eval::DataFile file = eval::read_data_file(request.data / "rgb", files);
  QuestionSet set{.name = request.name,
                  .data_hash = file.hash,
                  .data_id = "RGB " + file.path.filename().string()};
  PassagePool pool(set);
  eval::for_each_record(file, 0, [&](const eval::Record& record, std::size_t line) {
    OpenQuestion question{.id = fmt::format("rgb-{}", record.index("id")),
                          .question = record.text("query")};
    question.groups = answer_groups(record);
    for (const Texts& group : question.groups) {
      question.answers.insert(question.answers.end(), group.begin(), group.end());
    }
    Composition texts = compose_one(record, percent);
    offer(texts, line, pool, question);
    question.wrong_answer = std::move(texts.wrong_answer);
    require_answer(record, question);
    set.questions.push_back(std::move(question));
  });
  return set;
}

Composition noisy(const eval::Record& record, std::size_t percent) {
  return compose(record.texts("positive"), record.texts("negative"), percent);
}

std::size_t percent_of(const SetRequest& request) {
  if (request.argument.empty()) {
    return kUsualNoise;
  }
  std::size_t percent = 0;
  const char* end = request.argument.data() + request.argument.size();
  const auto [at, error] = std::from_chars(request.argument.data(), end, percent);
  if (error != std::errc() || at != end || percent > 80) {
    raise(ErrorCode::kInvalidArgument,
          "{}: '{}' is no share of noise, wanted a whole number of percent from 0 to 80 (without "
          "any passage that has the answer: rgb_rejection)",
          request.name,
          request.argument);
  }
  return percent;
}

}  // namespace

QuestionSet read_rgb_noise(const SetRequest& request) {
  return read_rgb(
      request, {"en.json", "en_refine.json", "en_fact.json"}, percent_of(request), &noisy);
}

QuestionSet read_rgb_rejection(const SetRequest& request) {
  QuestionSet set = read_rgb(request, {"en.json", "en_refine.json", "en_fact.json"}, 100, &noisy);
  for (OpenQuestion& question : set.questions) {
    question.is_answerable = false;
    question.groups.clear();
  }
  return set;
}

QuestionSet read_rgb_integration(const SetRequest& request) {
  return read_rgb(
      request, {"en_int.json"}, kUsualNoise, [](const eval::Record& record, std::size_t percent) {
        return compose(interleaved(record, "positive"), record.texts("negative"), percent);
      });
}

QuestionSet read_rgb_counterfactual(const SetRequest& request) {
  const auto false_ones = [](const eval::Record& record, std::size_t percent) {
    Composition out = compose(record.texts("positive_wrong"), record.texts("negative"), percent);
    out.wrong_answer = record.text("fakeanswer");
    return out;
  };
  return read_rgb(request, {"en_fact.json"}, kUsualNoise, false_ones);
}

}  // namespace nibble::rag
