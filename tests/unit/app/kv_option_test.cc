#include "app/kv_option.h"

#include <gmock/gmock.h>

#include <CLI/CLI.hpp>

namespace nibble::app {
namespace {

using ::testing::HasSubstr;

const codec::KvScheme* parsed(const std::string& line) {
  CLI::App app;
  const codec::KvScheme* scheme = nullptr;
  add_kv_option(app, scheme);
  app.parse(line);
  return scheme;
}

TEST(KvOption, ReadsEveryScheme) {
  EXPECT_EQ(parsed(""), nullptr);
  for (const codec::KvScheme& scheme : codec::kv_schemes()) {
    EXPECT_EQ(parsed("--kv " + std::string(scheme.name)), &scheme);
  }
}

TEST(KvOption, NamesWhatItWants) {
  try {
    parsed("--kv kivi");
    FAIL() << "no error";
  } catch (const CLI::ParseError& error) {
    EXPECT_THAT(error.what(), HasSubstr("--kv: no key/value scheme 'kivi'"));
    EXPECT_THAT(error.what(), HasSubstr("kvquant-3"));
  }
}

}  // namespace
}  // namespace nibble::app
