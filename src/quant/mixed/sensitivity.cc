#include "quant/mixed/sensitivity.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <nlohmann/json.hpp>

#include "base/cancel.h"
#include "base/hash.h"
#include "base/numerics.h"
#include "codec/codecs.h"
#include "kernels/select.h"
#include "model/config.h"
#include "model/weights.h"
#include "quant/matrix.h"
#include "quant/mixed/replaced_view.h"
#include "quant/plan.h"

namespace nibble::quant {
namespace {

constexpr int kBits[] = {2, 3, 4, 5, 6, 8};

/// What chooses the codes of one weight alone.
struct Chooser {
  std::shared_ptr<const Solver> solver;
  std::string name;
};

Chooser chooser_of(const SolveStage& stage) {
  const bool works_alone =
      !stage.needs.any() && !stage.solver->needs().any() && stage.solver->block_solver() == nullptr;
  if (works_alone) {
    return {stage.solver, stage.method};
  }
  const Recipe nearest =
      load_recipe(fmt::format("method=nearest,codec={}", stage.scheme.default_codec->name()))
          .take();
  return {nearest.stages.front().solver, fmt::format("nearest in place of {}", stage.method)};
}

/// The rows of the plan that the stage's default quantizes, by part.
std::map<std::string, std::vector<PlanRow>> rows_by_part(const Plan& plan,
                                                         const SolveStage& stage,
                                                         PartKind kind,
                                                         std::vector<std::string>& order) {
  std::map<std::string, std::vector<PlanRow>> parts;
  for (const PlanRow& row : plan.rows) {
    if (row.is_kept() || row.layer < 0 || row.codec != stage.scheme.default_codec) {
      continue;
    }
    const std::string pattern =
        kind == PartKind::kBlock ? fmt::format("model.layers.{}.*", row.layer) : row.weight;
    if (!parts.contains(pattern)) {
      order.push_back(pattern);
    }
    parts[pattern].push_back(row);
  }
  return parts;
}

class Measurement {
 public:
  Measurement(const SensitivityJob& job, Objective objective, ThreadPool& pool)
      : job_(job),
        objective_(objective),
        pool_(pool),
        config_(model::read_config(job.checkpoint).take()) {
    for (const std::string& name : job.codecs) {
      codecs_.push_back(codec::codec_from_name(name).take());
    }
  }

  Sensitivity run(ProgressSink& progress) {
    const SolveStage& stage = default_stage(job_.recipe);
    const Chooser chooser = chooser_of(stage);
    for (const auto& codec : codecs_) {
      chooser.solver->check(*codec).take();
    }
    const Plan plan = make_plan(job_.recipe, job_.checkpoint).take();
    const SolveStage& planned = default_stage(*plan.recipe);
    std::vector<std::string> order;
    const auto rows = rows_by_part(plan, planned, job_.kind, order);
    Sensitivity out{job_.codecs, {}, chooser.name, job_hash(job_)};
    progress.begin("sensitivity, models", order.size() * codecs_.size());
    for (const std::string& pattern : order) {
      out.parts.push_back(measure(pattern, rows.at(pattern), chooser, progress));
    }
    progress.end();
    return out;
  }

 private:
  Part measure(const std::string& pattern,
               const std::vector<PlanRow>& rows,
               const Chooser& chooser,
               ProgressSink& progress) {
    Part part{pattern, 0, {}};
    std::vector<std::vector<float>> values;
    for (const PlanRow& row : rows) {
      values.push_back(
          decode_matrix(model::load_weight(job_.checkpoint, config_, row.weight).take(), pool_));
      require_finite({values.back().data(), row.rows, row.cols}, row.weight);
      part.n_weights += row.rows * row.cols;
    }
    for (const auto& codec : codecs_) {
      cancel_flag().check();
      ReplacedWeights replaced;
      PartOption option;
      for (std::size_t i = 0; i < rows.size(); ++i) {
        const MatrixView<const float> view{values[i].data(), rows[i].rows, rows[i].cols};
        Solved solved =
            chooser.solver->solve({.name = rows[i].weight, .weight = view}, codec, pool_);
        option.bytes += solved.matrix.n_bytes();
        replaced.emplace(rows[i].weight, std::move(solved.matrix));
      }
      option.loss = objective_(*replaced_view(job_.checkpoint, config_, replaced));
      part.options.push_back(option);
      progress.advance(1);
    }
    return part;
  }

  const SensitivityJob& job_;
  Objective objective_;
  ThreadPool& pool_;
  model::ModelConfig config_;
  std::vector<std::shared_ptr<const codec::Codec>> codecs_;
};

}  // namespace

const SolveStage& default_stage(const Recipe& recipe) {
  if (!recipe.transforms.empty()) {
    raise(ErrorCode::kUnsupported,
          "recipe {}: bits are chosen for recipes without transforms",
          recipe.name);
  }
  for (const SolveStage& stage : recipe.stages) {
    if (stage.scheme.default_codec != nullptr) {
      return stage;
    }
  }
  raise(ErrorCode::kUnsupported,
        "recipe {}: no stage gives the linear layers a codec by default",
        recipe.name);
}

std::size_t Sensitivity::n_weights() const {
  std::size_t n = 0;
  for (const Part& part : parts) {
    n += part.n_weights;
  }
  return n;
}

std::string job_hash(const SensitivityJob& job) {
  Sha256 hash;
  hash.field(job.checkpoint.hash()).field(job.recipe.hash).field(job.objective);
  hash.field(job.kind == PartKind::kBlock ? "block" : "matrix");
  for (const std::string& codec : job.codecs) {
    hash.field(codec);
  }
  hash.field(NIBBLE_VERSION).field(std::to_string(kNumericsRevision));
  return hash.field(kernels::kernels().name).hex();
}

Sensitivity measure_sensitivity(const SensitivityJob& job,
                                Objective objective,
                                ThreadPool& pool,
                                ProgressSink& progress) {
  return Measurement(job, objective, pool).run(progress);
}

Result<std::vector<std::string>> codecs_of_all_bits(std::string_view codec) {
  constexpr std::string_view kInteger = "int";
  const bool has_bits = codec.starts_with(kInteger) && codec.size() > kInteger.size() &&
                        std::isdigit(static_cast<unsigned char>(codec[kInteger.size()])) != 0;
  if (!has_bits) {
    return fail(ErrorCode::kUnsupported,
                "codec {} has its bits fixed; name the codecs to choose from",
                codec);
  }
  std::vector<std::string> out;
  for (const int bits : kBits) {
    out.push_back(fmt::format("{}{}{}", kInteger, bits, codec.substr(kInteger.size() + 1)));
  }
  return out;
}

Json sensitivity_json(const Sensitivity& sensitivity) {
  Json parts = Json::array();
  for (const Part& part : sensitivity.parts) {
    Json options = Json::array();
    for (const PartOption& option : part.options) {
      options.push_back({{"bytes", option.bytes}, {"loss", option.loss}});
    }
    parts.push_back(
        {{"pattern", part.pattern}, {"weights", part.n_weights}, {"options", std::move(options)}});
  }
  return {{"job", sensitivity.job},
          {"method", sensitivity.method},
          {"codecs", sensitivity.codecs},
          {"parts", std::move(parts)}};
}

Result<Sensitivity> sensitivity_from_json(const Json& json, std::string_view where) {
  try {
    Sensitivity out{json.at("codecs").get<std::vector<std::string>>(),
                    {},
                    json.at("method").get<std::string>(),
                    json.at("job").get<std::string>()};
    for (const Json& row : json.at("parts")) {
      Part part{row.at("pattern").get<std::string>(), row.at("weights").get<std::size_t>(), {}};
      for (const Json& option : row.at("options")) {
        part.options.push_back(
            {option.at("bytes").get<std::size_t>(), option.at("loss").get<double>()});
      }
      if (part.options.size() != out.codecs.size()) {
        return fail(ErrorCode::kCorruptData,
                    "{}: part {} has {} options for {} codecs",
                    where,
                    part.pattern,
                    part.options.size(),
                    out.codecs.size());
      }
      out.parts.push_back(std::move(part));
    }
    return out;
  } catch (const Json::exception& error) {
    return fail(ErrorCode::kCorruptData, "{}: no table of sensitivities: {}", where, error.what());
  }
}

}  // namespace nibble::quant
