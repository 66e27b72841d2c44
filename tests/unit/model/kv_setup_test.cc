#include "model/kv_setup.h"

#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "unit/model/kv_tables.h"
#include "unit/model/tiny_model.h"

namespace nibble::model {
namespace {

using testing::flat_tables;
using ::testing::HasSubstr;
using testing::TinyCopy;

const codec::KvScheme& scheme(std::string_view name) {
  return *codec::kv_scheme_from_name(name).take();
}

/// Reads the setup of a tiny folder whose quantization_config is `settings`.
Result<KvSetup> read(const TinyCopy& copy, const codec::KvScheme* asked) {
  const auto checkpoint = io::open_checkpoint(copy.path()).take();
  const ModelConfig config = read_config(*checkpoint).take();
  return read_kv_setup(*checkpoint, config, Arithmetic::kNative, asked);
}

void set_quantization(const TinyCopy& copy, const Json& settings) {
  Json config = Json::parse(std::ifstream(copy / "config.json"));
  config["quantization_config"] = settings;
  std::ofstream(copy / "config.json") << config;
}

TEST(KvSetup, FollowsTheArithmetic) {
  EXPECT_EQ(default_kv_setup(Arithmetic::kF32).name(), "f32");
  EXPECT_EQ(default_kv_setup(Arithmetic::kDeterministic).name(), "f16");
  EXPECT_EQ(kv_setup(scheme("kivi-2"), Arithmetic::kF32).float_dtype, DType::kF32);
  EXPECT_EQ(kv_setup(scheme("f16"), Arithmetic::kF32).float_dtype, DType::kF16);
}

TEST(KvSetup, IsThatOfTheFolderUnlessAnotherIsAsked) {
  const TinyCopy copy;
  EXPECT_EQ(read(copy, nullptr).value().name(), "f16");
  set_quantization(copy, {{"quant_method", "nibble"}, {"kv", "kivi-4"}});
  EXPECT_EQ(read(copy, nullptr).value().name(), "kivi-4");
  EXPECT_EQ(read(copy, &scheme("int8")).value().name(), "int8");
  set_quantization(copy, {{"quant_method", "nibble"}, {"kv", "kivi-5"}});
  EXPECT_THAT(read(copy, nullptr).failure().message, HasSubstr("no key/value scheme 'kivi-5'"));
}

TEST(KvSetup, TablesComeFromTheFolder) {
  const TinyCopy copy;
  const auto missing = read(copy, &scheme("kvquant-4"));
  EXPECT_EQ(missing.failure().code, ErrorCode::kNotFound);
  EXPECT_THAT(missing.failure().message, HasSubstr("needs the tables of a calibration"));
  const ModelConfig config = read_config(*io::open_checkpoint(copy.path()).take()).take();
  const KvTableList tables = flat_tables(config, 4);
  std::ofstream(copy / kKvTablesFile) << kv_tables_json(scheme("kvquant-4"), tables);
  const KvSetup setup = read(copy, &scheme("kvquant-4")).take();
  ASSERT_EQ(setup.tables->size(), config.n_layers);
  EXPECT_EQ(setup.tables->front().key_levels, tables.front().key_levels);
  EXPECT_EQ(setup.tables->back().key_half, tables.back().key_half);
  EXPECT_THAT(read(copy, &scheme("kvquant-3")).failure().message,
              HasSubstr("tables of \"kvquant-4\", not of kvquant-3"));
}

TEST(KvSetup, RefusesTablesOfAnotherModel) {
  const TinyCopy copy;
  const ModelConfig config = read_config(*io::open_checkpoint(copy.path()).take()).take();
  Json json = kv_tables_json(scheme("kvquant-3"), flat_tables(config, 3));
  json["layers"][0]["key_lower"][0] = "x";
  EXPECT_EQ(parse_kv_tables(json, scheme("kvquant-3"), config).failure().code,
            ErrorCode::kCorruptData);
  json["layers"][0] = 5;
  EXPECT_EQ(parse_kv_tables(json, scheme("kvquant-3"), config).failure().code,
            ErrorCode::kCorruptData);
  json["layers"].erase(0);
  EXPECT_THAT(parse_kv_tables(json, scheme("kvquant-3"), config).failure().message,
              HasSubstr("layers, the model has"));
}

}  // namespace
}  // namespace nibble::model
