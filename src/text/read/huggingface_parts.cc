#include "text/read/huggingface_parts.h"

#include <nlohmann/json.hpp>

#include "text/read/common.h"
#include "text/vocab/byte_level.h"

namespace nibble::text {
namespace {

[[noreturn]] void refuse(const Fields& fields, std::string_view key, std::string_view value) {
  raise(ErrorCode::kUnsupported, "{}: '{}' is not handled", fields.name(key), value);
}

std::string type_of(const Fields& fields) {
  return fields.required<std::string>("type");
}

/// {"String": "x"} or {"Regex": "x"}.
struct PatternText {
  bool is_regex;
  std::string text;
};

PatternText read_pattern(const Fields& fields) {
  const Fields pattern = fields.object("pattern");
  pattern.only({"String", "Regex"});
  const auto literal = pattern.optional<std::string>("String");
  PatternText out{!literal.has_value(),
                  literal ? *literal : pattern.required<std::string>("Regex")};
  if (out.text.empty()) {
    raise(ErrorCode::kCorruptData, "{}: empty", fields.name("pattern"));
  }
  return out;
}

std::pair<std::string, std::string> read_replacement(const Fields& fields) {
  fields.only({"type", "pattern", "content"});
  const PatternText pattern = read_pattern(fields);
  if (pattern.is_regex) {
    refuse(fields, "pattern.Regex", pattern.text);
  }
  return {pattern.text, fields.required<std::string>("content")};
}

void require_blank(const Fields& fields, std::string_view key) {
  const auto text = fields.optional<std::string>(key).value_or(std::string(kBlank));
  if (text != kBlank) {
    refuse(fields, key, text);
  }
}

// --- normalizer ---

void add_normalizer(const Fields& fields, std::vector<NormalizeStep>& steps);

void add_bert_normalizer(const Fields& fields, std::vector<NormalizeStep>& steps) {
  fields.only({"type", "clean_text", "handle_chinese_chars", "strip_accents", "lowercase"});
  BertOptions options;
  options.clean = fields.optional<bool>("clean_text").value_or(true);
  options.cjk = fields.optional<bool>("handle_chinese_chars").value_or(true);
  options.lowercase = fields.optional<bool>("lowercase").value_or(true);
  options.strip_accents = fields.optional<bool>("strip_accents").value_or(options.lowercase);
  const auto added = bert_steps(options);
  steps.insert(steps.end(), added.begin(), added.end());
}

std::optional<NormalizeStep::Kind> plain_normalizer(std::string_view type) {
  using Kind = NormalizeStep::Kind;
  struct Row {
    std::string_view type;
    Kind kind;
  };
  static constexpr Row kRows[] = {{"NFC", Kind::kNfc},
                                  {"NFD", Kind::kNfd},
                                  {"NFKC", Kind::kNfkc},
                                  {"NFKD", Kind::kNfkd},
                                  {"Lowercase", Kind::kLowercase},
                                  {"StripAccents", Kind::kStripAccents}};
  for (const Row& row : kRows) {
    if (row.type == type) {
      return row.kind;
    }
  }
  return std::nullopt;
}

void add_normalizer(const Fields& fields, std::vector<NormalizeStep>& steps) {
  using Kind = NormalizeStep::Kind;
  const std::string type = type_of(fields);
  if (const auto kind = plain_normalizer(type)) {
    fields.only({"type"});
    steps.push_back({*kind, "", ""});
  } else if (type == "Sequence") {
    fields.only({"type", "normalizers"});
    for (const Fields& step : fields.objects("normalizers")) {
      add_normalizer(step, steps);
    }
  } else if (type == "Replace") {
    const auto [pattern, content] = read_replacement(fields);
    steps.push_back({Kind::kReplace, pattern, content});
  } else if (type == "Prepend") {
    fields.only({"type", "prepend"});
    steps.push_back({Kind::kPrepend, "", fields.required<std::string>("prepend")});
  } else if (type == "Strip") {
    fields.only({"type", "strip_left", "strip_right"});
    if (fields.required<bool>("strip_left")) {
      steps.push_back({Kind::kStripLeft, "", ""});
    }
    if (fields.required<bool>("strip_right")) {
      steps.push_back({Kind::kStripRight, "", ""});
    }
  } else if (type == "BertNormalizer") {
    add_bert_normalizer(fields, steps);
  } else {
    refuse(fields, "type", type);
  }
}

// --- pre-tokenizer ---

SplitBehavior read_behavior(const Fields& fields) {
  struct Row {
    std::string_view name;
    SplitBehavior behavior;
  };
  static constexpr Row kRows[] = {{"Removed", SplitBehavior::kRemoved},
                                  {"Isolated", SplitBehavior::kIsolated},
                                  {"MergedWithPrevious", SplitBehavior::kMergedWithPrevious},
                                  {"MergedWithNext", SplitBehavior::kMergedWithNext},
                                  {"Contiguous", SplitBehavior::kContiguous}};
  const auto name = fields.required<std::string>("behavior");
  for (const Row& row : kRows) {
    if (row.name == name) {
      return row.behavior;
    }
  }
  refuse(fields, "behavior", name);
}

SplitStep read_split(const Fields& fields) {
  fields.only({"type", "pattern", "behavior", "invert"});
  PatternText pattern = read_pattern(fields);
  SplitStep step{};
  step.behavior = read_behavior(fields);
  step.invert = fields.optional<bool>("invert").value_or(false);
  const auto known = pattern.is_regex ? known_pattern(pattern.text) : std::nullopt;
  const bool keeps_all = step.behavior == SplitBehavior::kIsolated ||
                         (step.behavior == SplitBehavior::kRemoved && step.invert);
  if (known && keeps_all) {
    step.kind = SplitStep::Kind::kPattern;
    step.pattern = *known;
  } else if (pattern.is_regex) {
    step.kind = SplitStep::Kind::kRegex;
    auto regex = Regex::compile(pattern.text);
    if (!regex) {
      throw Error(regex.failure().within(fields.name("pattern")));
    }
    step.regex = std::move(*regex);
  } else {
    step.kind = SplitStep::Kind::kLiteral;
    step.literal = std::move(pattern.text);
  }
  return step;
}

void add_byte_level(const Fields& fields, PreTokenizerPlan& plan) {
  fields.only({"type", "add_prefix_space", "trim_offsets", "use_regex"});
  if (fields.optional<bool>("add_prefix_space").value_or(true)) {
    plan.steps.push_back({SplitStep::Kind::kPrefixBlank});
  }
  if (fields.optional<bool>("use_regex").value_or(true)) {
    plan.steps.push_back({SplitStep::Kind::kPattern, Pattern::kGpt2});
  }
  plan.byte_level = true;
}

SplitStep::Prepend read_prepend(const Fields& fields) {
  const bool prefix = fields.optional<bool>("add_prefix_space").value_or(true);
  const auto scheme =
      fields.optional<std::string>("prepend_scheme").value_or(prefix ? "always" : "never");
  if (scheme == "never") {
    return SplitStep::Prepend::kNever;
  }
  if (scheme == "first") {
    return SplitStep::Prepend::kFirst;
  }
  if (scheme != "always") {
    refuse(fields, "prepend_scheme", scheme);
  }
  return SplitStep::Prepend::kAlways;
}

SplitStep read_metaspace(const Fields& fields) {
  fields.only({"type", "replacement", "add_prefix_space", "prepend_scheme", "split", "str_rep"});
  require_blank(fields, "replacement");
  SplitStep step{};
  step.kind = SplitStep::Kind::kMetaspace;
  step.prepend = read_prepend(fields);
  step.flag = fields.optional<bool>("split").value_or(true);
  return step;
}

void add_pre_tokenizer(const Fields& fields, PreTokenizerPlan& plan) {
  const std::string type = type_of(fields);
  if (plan.byte_level) {
    raise(ErrorCode::kUnsupported, "{}: '{}' behind ByteLevel is not handled", fields.path(), type);
  }
  if (type == "Sequence") {
    fields.only({"type", "pretokenizers"});
    for (const Fields& step : fields.objects("pretokenizers")) {
      add_pre_tokenizer(step, plan);
    }
  } else if (type == "ByteLevel") {
    add_byte_level(fields, plan);
  } else if (type == "Split") {
    plan.steps.push_back(read_split(fields));
  } else if (type == "Digits") {
    fields.only({"type", "individual_digits"});
    SplitStep step{SplitStep::Kind::kDigits};
    step.flag = !fields.optional<bool>("individual_digits").value_or(false);
    plan.steps.push_back(std::move(step));
  } else if (type == "Metaspace") {
    plan.steps.push_back(read_metaspace(fields));
  } else if (type == "BertPreTokenizer") {
    fields.only({"type"});
    plan.steps.push_back({SplitStep::Kind::kBert});
  } else {
    refuse(fields, "type", type);
  }
}

// --- post-processor ---

void append_template_token(const Fields& fields,
                           std::string_view token,
                           std::vector<TokenId>& ids) {
  const Fields tokens = fields.object("special_tokens");
  for (const TokenId id : tokens.object(token).list<TokenId>("ids")) {
    ids.push_back(id);
  }
}

void read_template(const Fields& fields, Frame& frame) {
  fields.only({"type", "single", "pair", "special_tokens"});
  bool behind = false;
  for (const Fields& item : fields.objects("single")) {
    item.only({"SpecialToken", "Sequence"});
    if (item.find("Sequence") != nullptr) {
      if (behind) {
        raise(ErrorCode::kUnsupported, "{}: the text twice is not handled", item.path());
      }
      behind = true;
    } else {
      const auto token = item.object("SpecialToken").required<std::string>("id");
      append_template_token(fields, token, behind ? frame.suffix : frame.prefix);
    }
  }
  if (!behind) {
    raise(ErrorCode::kUnsupported, "{}: a template without the text is not handled", fields.path());
  }
}

TokenId read_named_id(const Fields& fields, std::string_view key) {
  const Json& pair = fields.require(key);
  if (!pair.is_array() || pair.size() != 2 || !pair[1].is_number_integer()) {
    raise(ErrorCode::kCorruptData, "{}: expected [text, id]", fields.name(key));
  }
  return pair[1].get<TokenId>();
}

void add_post_processor(const Fields& fields, Frame& frame) {
  const std::string type = type_of(fields);
  if (type == "Sequence") {
    fields.only({"type", "processors"});
    for (const Fields& step : fields.objects("processors")) {
      add_post_processor(step, frame);
    }
  } else if (type == "ByteLevel") {  // changes offsets only
    fields.only({"type", "add_prefix_space", "trim_offsets", "use_regex"});
  } else if (type == "TemplateProcessing") {
    read_template(fields, frame);
  } else if (type == "BertProcessing" || type == "RobertaProcessing") {
    fields.only({"type", "sep", "cls", "trim_offsets", "add_prefix_space"});
    frame.prefix.insert(frame.prefix.begin(), read_named_id(fields, "cls"));
    frame.suffix.push_back(read_named_id(fields, "sep"));
  } else {
    refuse(fields, "type", type);
  }
}

// --- decoder ---

void add_decoder_step(const Fields& fields, DecodePlan& plan) {
  const std::string type = type_of(fields);
  if (type == "Replace") {
    plan.replacements.push_back(read_replacement(fields));
  } else if (type == "ByteFallback") {
    fields.only({"type"});
    plan.byte_tokens = true;
  } else if (type == "Fuse") {
    fields.only({"type"});
  } else if (type == "Strip") {
    fields.only({"type", "content", "start", "stop"});
    const auto start = fields.required<std::int32_t>("start");
    if (fields.required<std::string>("content") != " " || start > 1 || start < 0 ||
        fields.required<std::int32_t>("stop") != 0) {
      refuse(fields, "type", "Strip of anything but one leading blank");
    }
    plan.drops_first_blank = start == 1;
  } else {
    refuse(fields, "type", type);
  }
}

void read_wordpiece_decoder(const Fields& fields, DecodePlan& plan) {
  fields.only({"type", "prefix", "cleanup"});
  plan.kind = DecodePlan::Kind::kWordPiece;
  plan.continuation_mark = fields.optional<std::string>("prefix").value_or("##");
  plan.tidy = fields.optional<bool>("cleanup").value_or(true);
  plan.drops_first_blank = true;
}

void read_metaspace_decoder(const Fields& fields, DecodePlan& plan) {
  fields.only({"type", "replacement", "add_prefix_space", "prepend_scheme", "split", "str_rep"});
  require_blank(fields, "replacement");
  plan.replacements.emplace_back(kBlank, " ");
  plan.drops_first_blank = read_prepend(fields) != SplitStep::Prepend::kNever;
}

}  // namespace

std::vector<NormalizeStep> read_normalizer(const Json* json) {
  std::vector<NormalizeStep> steps;
  if (json != nullptr) {
    add_normalizer({*json, "normalizer"}, steps);
  }
  return steps;
}

PreTokenizerPlan read_pre_tokenizer(const Json* json) {
  PreTokenizerPlan plan;
  if (json != nullptr) {
    add_pre_tokenizer({*json, "pre_tokenizer"}, plan);
  }
  return plan;
}

Frame read_post_processor(const Json* json) {
  Frame frame;
  if (json != nullptr) {
    add_post_processor({*json, "post_processor"}, frame);
  }
  return frame;
}

DecodePlan read_decoder(const Json* json) {
  if (json == nullptr) {
    raise(ErrorCode::kUnsupported, "decoder: a tokenizer without one is not handled");
  }
  DecodePlan plan;
  const Fields fields(*json, "decoder");
  const std::string type = type_of(fields);
  if (type == "ByteLevel") {
    fields.only({"type", "add_prefix_space", "trim_offsets", "use_regex"});
    plan.kind = DecodePlan::Kind::kByteLevel;
  } else if (type == "WordPiece") {
    read_wordpiece_decoder(fields, plan);
  } else if (type == "Metaspace") {
    read_metaspace_decoder(fields, plan);
  } else if (type == "Sequence") {
    fields.only({"type", "decoders"});
    for (const Fields& step : fields.objects("decoders")) {
      add_decoder_step(step, plan);
    }
  } else {
    refuse(fields, "type", type);
  }
  return plan;
}

std::string decode_piece(const DecodePlan& plan, std::string_view spelling) {
  switch (plan.kind) {
    case DecodePlan::Kind::kByteLevel:
      return bytes_of_spelling(spelling).value_or(std::string(spelling));
    case DecodePlan::Kind::kWordPiece: {
      const bool continues = spelling.starts_with(plan.continuation_mark);
      std::string piece(continues ? spelling.substr(plan.continuation_mark.size()) : spelling);
      piece = continues ? piece : std::string(" ").append(piece);
      return plan.tidy ? tidy_wordpiece(std::move(piece)) : piece;
    }
    case DecodePlan::Kind::kPieces:
      break;
  }
  if (const auto byte = plan.byte_tokens ? byte_of_token(spelling) : std::nullopt) {
    return {static_cast<char>(*byte)};
  }
  std::string piece(spelling);
  for (const auto& [from, to] : plan.replacements) {
    piece = replace_all(piece, from, to);
  }
  return piece;
}

}  // namespace nibble::text
