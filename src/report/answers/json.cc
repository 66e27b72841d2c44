#include "report/answers/json.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <span>

#include "report/format.h"
#include "report/page/budget.h"

namespace nibble::report {
namespace {

/// Digits that a picture shows, and no more bytes than that.
constexpr double kSteps = 1e5;

std::size_t pictured(std::size_t n_variants) {
  return std::min(n_variants, kPicturedVariants);
}

Json rounded(double value) {
  return std::isnan(value) ? Json() : Json(std::round(value * kSteps) / kSteps);
}

Json rounded(const std::vector<double>& values) {
  Json out = Json::array();
  for (const double value : values) {
    out.push_back(rounded(value));
  }
  return out;
}

using ContextPlace = std::optional<std::size_t> store::ContextRecord::*;

Json steps_json(const Data& data, const TaskNumbers& tasks, ContextPlace at) {
  Json out = Json::array();
  for (const std::size_t task : tasks) {
    out.push_back({{"at", *(*data.tasks[task].context.*at)}, {"task", task}});
  }
  return out;
}

Json gold_json(const GoldShares& gold) {
  Json out = Json::array();
  for (std::size_t layer = 0; layer < gold.n_layers; ++layer) {
    const auto first = gold.shares.begin() + static_cast<std::ptrdiff_t>(layer * kDepths);
    out.push_back(rounded(std::vector<double>(first, first + kDepths)));
  }
  return out;
}

Json pictures_json(const Known<AttentionPictures>& known) {
  if (!known.value) {
    return {};
  }
  const auto& [funnel, gold, likeness] = *known.value;
  return {{"gold", gold_json(gold)},
          {"n", gold.n},
          {"funnel",
           {{"asked", funnel.asked},
            {"retrieved", funnel.retrieved},
            {"attended", funnel.attended},
            {"answered", funnel.answered},
            {"right", funnel.right}}},
          {"divergence", likeness ? rounded(likeness->divergence_of_layers) : Json()}};
}

Json question_json(const QuestionView& view) {
  Json passages = Json::array();
  for (const ViewedPassage& passage : view.passages) {
    passages.push_back(
        {{"header", passage.header}, {"text", passage.text}, {"gold", passage.is_gold}});
  }
  Json answers = Json::array();
  for (const auto& answer : std::span(view.answers).first(pictured(view.answers.size()))) {
    answers.push_back(answer ? Json{{"answer", answer->answer},
                                    {"f1", or_null(answer->f1)},
                                    {"shares", rounded(answer->shares)}}
                             : Json());
  }
  return {{"id", view.id},
          {"question", view.question},
          {"wanted", view.wanted},
          {"passages", std::move(passages)},
          {"answers", std::move(answers)}};
}

}  // namespace

Json answers_json(const Data& data) {
  Json out = Json::array();
  for (const AnswerGroup& group : data.answers.groups) {
    Json variants = Json::array();
    for (const auto& known : std::span(group.pictures).first(pictured(group.pictures.size()))) {
      variants.push_back(pictures_json(known));
    }
    Json questions = Json::array();
    for (const QuestionView& view : group.questions) {
      questions.push_back(question_json(view));
    }
    out.push_back(
        {{"name", group.name},
         {"tasks", group.tasks},
         {"lengths", steps_json(data, group.by_length, &store::ContextRecord::budget)},
         {"positions", steps_json(data, group.by_position, &store::ContextRecord::gold_slot)},
         {"variants", std::move(variants)},
         {"questions", std::move(questions)}});
  }
  return out;
}

}  // namespace nibble::report
