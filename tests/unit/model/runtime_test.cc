#include "model/runtime.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "model/config.h"

namespace nibble::model {
namespace {

using ::testing::HasSubstr;

Json config_with(const Json& runtime) {
  return {{"quantization_config", {{"quant_method", "nibble"}, {"runtime", runtime}}}};
}

std::string failure_of(const Json& runtime) {
  const auto read = read_runtime(config_with(runtime), "config.json");
  return read ? "" : read.failure().message;
}

TEST(Runtime, ComesBackAsItWas) {
  Runtime runtime;
  EXPECT_TRUE(runtime_json(runtime).is_null());
  runtime.rotates_heads = true;
  runtime.activations = {.bits = 4, .clip = 0.5F, .outliers = 6.0F};
  EXPECT_EQ(read_runtime(config_with(runtime_json(runtime)), "").take(), runtime);
  runtime.rotates_gated = true;
  EXPECT_EQ(read_runtime(config_with(runtime_json(runtime)), "").take(), runtime);
  runtime.rotates_attended = true;
  EXPECT_EQ(read_runtime(config_with(runtime_json(runtime)), "").take(), runtime);
}

TEST(Runtime, IsPlainWhereNothingIsSaid) {
  EXPECT_TRUE(read_runtime(Json::object(), "").take().is_plain());
  EXPECT_TRUE(
      read_runtime({{"quantization_config", {{"quant_method", "nibble"}}}}, "").take().is_plain());
  Json foreign = config_with({{"hadamard", {"heads"}}});
  foreign["quantization_config"]["quant_method"] = "gptq";
  EXPECT_TRUE(read_runtime(foreign, "").take().is_plain());
}

TEST(Runtime, RefusesWhatItDoesNotKnow) {
  EXPECT_THAT(failure_of({{"hadamard", {"keys"}}}), HasSubstr("'keys' is not known"));
  EXPECT_THAT(failure_of({{"sparsity", 2}}), HasSubstr("this version does not know it"));
  EXPECT_THAT(failure_of({{"activations", {{"bits", 9}}}}), HasSubstr("wanted 2 to 8 bits"));
  EXPECT_THAT(failure_of({{"activations", {{"bits", "four"}}}}), HasSubstr("bits"));
  EXPECT_THAT(failure_of(Json::array({1})), HasSubstr("wanted an object"));
}

TEST(Runtime, AnyTransformRotates) {
  Runtime runtime;
  runtime.activations.bits = 4;
  EXPECT_FALSE(runtime.rotates());
  for (bool Runtime::*const place :
       {&Runtime::rotates_heads, &Runtime::rotates_attended, &Runtime::rotates_gated}) {
    runtime.*place = true;
    EXPECT_TRUE(runtime.rotates());
    runtime.*place = false;
  }
}

TEST(Runtime, TextForPeople) {
  ModelConfig config;
  EXPECT_EQ(runtime_text(config), "");
  config.runtime.rotates_attended = true;
  config.runtime.rotates_gated = true;
  config.runtime.activations.bits = 4;
  EXPECT_EQ(runtime_text(config),
            "Hadamard transforms before o_proj, Hadamard transforms before down_proj, activations "
            "rounded to 4 bits");
}

}  // namespace
}  // namespace nibble::model
