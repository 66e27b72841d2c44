#include "text/jinja/template.h"

#include "base/utf8.h"
#include "text/jinja/parser.h"
#include "text/jinja/statements.h"

namespace nibble::text::jinja {

struct Template::Parsed {
  Block block;
  std::string where;
  TemplateOptions options;

  /// The work of one rendering, with the template's name in front of what goes wrong.
  template <class Work>
  auto with_runtime(const Dict& names, Work work) const {
    Runtime runtime(names, options.strictness, options.limits);
    try {
      return work(runtime);
    } catch (const Error& error) {
      throw Error(error.failure().within(where));
    }
  }
};

Result<Template> Template::parse(std::string_view source,
                                 std::string_view where,
                                 const TemplateOptions& options) {
  try {
    return Template(std::make_shared<const Parsed>(Parsed{
        jinja::parse(lex(source, options.syntax, where), where), std::string(where), options}));
  } catch (const Error& error) {
    return error.failure();
  }
}

std::string Template::render(const Dict& names) const {
  return parsed_->with_runtime(names, [&](Runtime& runtime) {
    static_cast<void>(run_block(parsed_->block, runtime));
    return runtime.take_output(0);
  });
}

Value Template::evaluate(const Dict& names) const {
  const Block& block = parsed_->block;
  const auto* last = block.empty() ? nullptr : dynamic_cast<const Print*>(block.back().get());
  return parsed_->with_runtime(names, [&](Runtime& runtime) -> Value {
    for (std::size_t i = 0; i + (last == nullptr ? 0 : 1) < block.size(); ++i) {
      static_cast<void>(block[i]->run(runtime));
    }
    if (last == nullptr) {
      return runtime.take_output(0);
    }
    Value value = runtime.usable(last->value().evaluate(runtime));
    const std::string before = runtime.take_output(0);
    if (!utf8::strip(before).empty()) {
      return before + to_text(value);
    }
    if (value.names() != nullptr || value.get<const MacroNode*>() != nullptr) {
      raise(ErrorCode::kInvalidArgument, "{} is no result", kind_name(value));
    }
    return value;
  });
}

}  // namespace nibble::text::jinja
