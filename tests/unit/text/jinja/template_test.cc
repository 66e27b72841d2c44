#include "text/jinja/template.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/files.h"
#include "text/jinja/from_json.h"

namespace nibble::text::jinja {
namespace {

using nibble::testing::read_file;
using nibble::testing::source_path;

constexpr TemplateOptions kChat{kChatSyntax, Strictness::kLenient, {}};

std::string render(std::string_view source, const TemplateOptions& options = {}) {
  static const Dict kNames{{{"n", std::int64_t{7}}, {"s", "text"}}};
  return Template::parse(source, "t", options).take().render(kNames);
}

std::string error_of(std::string_view source, const TemplateOptions& options = {}) {
  try {
    return "rendered: " + render(source, options);
  } catch (const Error& error) {
    return error.what();
  }
}

TEST(Template, RendersAsJinjaDoes) {
  const auto golden =
      nlohmann::ordered_json::parse(read_file(source_path("tests/golden/text/jinja.json")));
  const Value names = value_of(golden.at("names"));
  ASSERT_GT(golden.at("cases").size(), 300U);
  for (const auto& one : golden.at("cases")) {
    const auto source = one.at("template").get<std::string>();
    const TemplateOptions options = one.at("syntax") == "chat" ? kChat : TemplateOptions{};
    if (one.contains("error")) {
      EXPECT_THROW(Template::parse(source, "t", options).take().render(*names.dict()), Error)
          << source;
      continue;
    }
    try {
      EXPECT_EQ(Template::parse(source, "t", options).take().render(*names.dict()),
                one.at("rendered").get<std::string>())
          << source;
    } catch (const Error& error) {
      ADD_FAILURE() << source << ": " << error.what();
    }
  }
}

TEST(Template, OneExpressionKeepsItsKind) {
  const Dict names{{{"l", List{"a", std::int64_t{2}}}}};
  EXPECT_TRUE(Template::parse("{{ l }}", "t").take().evaluate(names).is_list());
  EXPECT_EQ(Template::parse("{{ l|length }}", "t").take().evaluate(names).as_whole(), 2);
  EXPECT_TRUE(Template::parse("{{ l }} ", "t").take().evaluate(names).is_text());
  EXPECT_TRUE(Template::parse("{% set a = l %}\n{{ a }}", "t").take().evaluate(names).is_list());
  EXPECT_EQ(to_text(Template::parse("x {{ l }}", "t").take().evaluate(names)), "x ['a', 2]");
  EXPECT_ANY_THROW(
      static_cast<void>(Template::parse("{{ namespace() }}", "t").take().evaluate(names)));
}

TEST(Template, SaysWhereItCannotBeRead) {
  EXPECT_EQ(error_of("a\n{{ n "), "t:2: '{{' without '}}'");
  EXPECT_EQ(error_of("{% if n %}\nx"), "t:2: the template ends without 'endif'");
  EXPECT_EQ(error_of("{{ n|nope }}"), "t:1: there is no filter 'nope'");
  EXPECT_EQ(error_of("{{ n is nope }}"), "t:1: there is no test 'nope'");
  EXPECT_EQ(error_of("{% extends 'a' %}"), "t:1: the tag 'extends' is not handled");
  EXPECT_EQ(error_of("{{ 'a }}"), "t:1: a text without its end, wanted '");
  EXPECT_EQ(error_of("{{ }}"), "t:1: a value is missing");
  EXPECT_EQ(error_of("{{ n; }}"), "t:1: ';' is not expected in a tag");
  EXPECT_EQ(error_of("{{ 99999999999999999999 }}"), "t:1: '99999999999999999999' is out of range");
}

TEST(Template, WhatIsUndefinedIsAnErrorOrNothing) {
  EXPECT_EQ(error_of("{{ nope }}"), "t: 'nope' is undefined");
  EXPECT_EQ(error_of("{{ nope.x }}"), "t: 'nope' is undefined, so it has no 'x'");
  EXPECT_EQ(render("<{{ nope }}>", kChat), "<>");
  EXPECT_EQ(error_of("{{ nope.x }}", kChat), "t: 'nope' is undefined, so it has no 'x'");
}

TEST(Template, RefusesWhatPythonRefuses) {
  EXPECT_EQ(error_of("{{ n + s }}"), "t: + does not go with a number and a text");
  EXPECT_EQ(error_of("{{ n // 0 }}"), "t: a division by zero");
  EXPECT_EQ(error_of("{{ s.nope() }}"), "t: a text has no method 'nope'");
  EXPECT_EQ(error_of("{{ nope() }}"), "t: 'nope' is no function");
  EXPECT_EQ(error_of("{{ n < s }}"), "t: a number and a text have no order");
  EXPECT_EQ(error_of("{{ 9223372036854775807 + 1 }}"), "t: a whole number of more than 64 bits");
  EXPECT_EQ(error_of("{{ raise_exception('roles must alternate') }}"), "t: roles must alternate");
}

TEST(Template, IsBoundedInStepsBytesAndDepth) {
  const TemplateOptions small{kTaskSyntax, Strictness::kStrict, {1000, 1000, 50}};
  EXPECT_EQ(
      error_of("{% for a in range(100) %}{% for b in range(100) %}{% endfor %}{% endfor %}", small),
      "t: the template takes more than 1000 steps");
  EXPECT_EQ(error_of("{{ 'x' * 1001 }}", small),
            "t: the template makes a text of more than 1000 bytes");
  EXPECT_EQ(error_of("{{ s * 9000000000000000000 }}", small),
            "t: the template makes a text of more than 1000 bytes");
  EXPECT_EQ(
      error_of("{% set x = 'abcdefgh' %}{% for i in range(9) %}{{ x * 20 }}{% endfor %}", small),
      "t: the template makes a text of more than 1000 bytes");
  EXPECT_EQ(error_of("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", small),
            "t: the template nests deeper than 50");
  EXPECT_EQ(error_of("{% set ns = namespace(x=[]) %}{% for i in range(300) %}{% set ns.x = [ns.x] "
                     "%}{% endfor %}"),
            "t: lists within lists deeper than 128");
  EXPECT_EQ(error_of("{% for a in range(1000000) %}{% endfor %}"),
            "t: range wants one to three whole numbers of at most 100000");
}

TEST(Template, DeepAndLongSourcesAreRefusedNotFollowed) {
  EXPECT_EQ(error_of("{{ " + std::string(100000, '(') + "1 }}"),
            "t:1: expressions nested deeper than 60");
  EXPECT_EQ(error_of("{{ " + std::string(100000, '-') + "1 }}"),
            "t:1: expressions nested deeper than 60");
  std::string sum = "{{ 1";
  std::string blocks;
  for (int i = 0; i < 5000; ++i) {
    sum += "+1";
    blocks += "{% if n %}";
  }
  EXPECT_EQ(error_of(sum + " }}"), "t:1: more than 200 operators in a row");
  EXPECT_EQ(error_of(blocks), "t:1: statements nested deeper than 60");
  EXPECT_EQ(error_of(std::string((1 << 20) + 1, 'x')),
            "t: a template of 1048577 bytes, at most 1048576 are read");
}

TEST(Template, CutSourcesNeverCrash) {
  const std::string source =
      "{%- macro f(a, b=1) -%}{{ a['k'][1:2] ~ b }}{%- endmacro -%}{# c #}{% raw %}{{{% endraw %}"
      "{% for a, b in d.items() if a is not none %}{{ loop.index|string }}{% else %}{% endfor %}"
      "{% set ns.x = {'a': [1, (2, 3)], 'b': -x ** 2} %}{{ 'q\\n\\u00e9' if x else y|join(',') }}";
  for (std::size_t n = 0; n < source.size(); ++n) {
    static_cast<void>(error_of(source.substr(0, n), kChat));
    std::string changed = source;
    changed[n] = static_cast<char>(changed[n] ^ 4);
    static_cast<void>(error_of(changed, kChat));
  }
}

TEST(Template, AMacroSeesOnlyTheOutermostNames) {
  EXPECT_EQ(render("{% set g = 1 %}{% macro f() %}{{ g }}{{ l is defined }}{% endmacro %}"
                   "{% for l in [1] %}{{ f() }}{% endfor %}"),
            "1False");
}

}  // namespace
}  // namespace nibble::text::jinja
