#include "io/formats/gptq.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "io/safetensors.h"
#include "support/files.h"
#include "unit/io/formats/packed_tensors.h"

namespace nibble::io {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Json settings(std::size_t bits, int group, std::string_view version = "gptq") {
  return {{"quant_method", "gptq"},
          {"bits", bits},
          {"group_size", group},
          {"checkpoint_format", version}};
}

/// 32 inputs and 32 outputs in 4 bits and two groups of 16; every code and zero is 8.
PackedTensors plain_module() {
  std::vector<std::int32_t> g_idx(32);
  for (std::size_t c = 0; c < 32; ++c) {
    g_idx[c] = static_cast<std::int32_t>(c / 16);
  }
  const std::vector<std::uint16_t> ones(64, 0x3C00);
  return {
      "m",
      {{"qweight",
        tensor_of<std::uint32_t>(
            DType::kI32, {4, 32}, std::vector<std::uint32_t>(128, 0x88888888U))},
       {"qzeros",
        tensor_of<std::uint32_t>(DType::kI32, {2, 4}, std::vector<std::uint32_t>(8, 0x77777777U))},
       {"scales", tensor_of<std::uint16_t>(DType::kF16, {2, 32}, ones)},
       {"g_idx", tensor_of<std::int32_t>(DType::kI32, {32}, g_idx)}}};
}

codec::EncodedMatrix read(const PackedTensors& tensors, const Json& config = settings(4, 16)) {
  return gptq_format().open(config)->read(tensors);
}

std::string refusal(const PackedTensors& tensors, const Json& config = settings(4, 16)) {
  return message_of([&] { read(tensors, config); });
}

TEST(Gptq, ReadsAModuleWorkedByHand) {
  PackedTensors tensors = plain_module();
  // Output 0: inputs 0 to 7 have codes 0 to 7; the zeros of outputs 0 to 7 in group 0 are 1 to 8.
  tensors.by_suffix["qweight"].mutable_as<std::uint32_t>()[0] = 0x76543210U;
  tensors.by_suffix["qzeros"].mutable_as<std::uint32_t>()[0] = 0x76543210U;
  tensors.by_suffix["scales"].mutable_as<std::uint16_t>()[1] = 0x3800;  // 0.5, group 0 of output 1
  const auto matrix = read(tensors);
  EXPECT_EQ(matrix.codec->name(), "int4g16ah");
  const auto w = codec::decode_all(matrix);
  EXPECT_THAT(std::vector(w.begin(), w.begin() + 9), ElementsAre(-1, 0, 1, 2, 3, 4, 5, 6, 7));
  EXPECT_EQ(w[32], 0.5F * (8 - 2));
  EXPECT_EQ(w[32 + 16], 0.0F);
}

TEST(Gptq, WordsOfCodesThatCountUp) {
  // Codes k & 7 in 3 bits: codes 10 and 21 lie across words.
  const codec::IntGroupFormat format{3, 0, codec::ZeroKind::kMiddle, DType::kF16};
  codec::IntGroupCodes codes{{}, std::vector<float>(32, 1.0F), std::vector<float>(32, 4.0F)};
  for (std::size_t i = 0; i < 32 * 32; ++i) {
    codes.codes.push_back(i % 8);
  }
  const auto writer = gptq_format().create("gptq");
  const auto tensors = writer->write("m", codec::pack_int_group(format, 32, 32, codes));
  const auto words = tensors.find("qweight")->as<std::uint32_t>();
  ASSERT_EQ(tensors.find("qweight")->shape(), (Shape{3, 32}));
  EXPECT_EQ(words[0], 0x88FAC688U);
  EXPECT_EQ(words[32], 0xC688FAC6U);
  EXPECT_EQ(words[64], 0xFAC688FAU);
  EXPECT_EQ(writer->settings()["group_size"], -1);
}

TEST(Gptq, SymmetricZerosAreTheKnownWords) {
  const std::vector<std::tuple<std::string, std::string, std::uint32_t>> words = {
      {"int4g16sh", "gptq", 0x77777777U},
      {"int4g16sh", "gptq_v2", 0x88888888U},
      {"int8g16sh", "gptq", 0x7F7F7F7FU},
      {"int8g16sh", "gptq_v2", 0x80808080U},
      {"int2g16sh", "gptq", 0x55555555U},
      {"int2g16sh", "gptq_v2", 0xAAAAAAAAU}};
  for (const auto& [codec, target, word] : words) {
    SCOPED_TRACE(codec + " " + target);
    const auto writer = gptq_format().create(target);
    const auto tensors = writer->write("m", some_integers(codec, 32, 32));
    EXPECT_THAT(tensors.find("qzeros")->as<std::uint32_t>(), Each(word));
    EXPECT_EQ(writer->settings()["sym"], true);
  }
}

TEST(Gptq, EveryWidthAndGroupComesBackAsItWas) {
  for (const std::size_t bits : {2U, 3U, 4U, 8U}) {
    for (const std::string group : {"g16", "g32", "g128", "g128p", "c"}) {
      for (const std::string zero : {"s", "a"}) {
        const std::string codec = fmt::format("int{}{}{}h", bits, group, zero);
        SCOPED_TRACE(codec);
        const auto before = some_integers(codec, 64, 160, 1);  // 160 = 128 + 32: a shorter group
        for (const std::string_view target : {"gptq", "gptq_v2"}) {
          const auto after = there_and_back(target, before);
          EXPECT_EQ(after.codec->name(), codec);
          EXPECT_EQ(codec::decode_all(after), codec::decode_all(before));
        }
      }
    }
  }
}

TEST(Gptq, ReadsTheWordsOfGptqModel) {
  NIBBLE_NEEDS_FILE(path, testing::golden("io/packed.safetensors"));
  const auto file = SafetensorsFile::open(path).take();
  std::size_t n_cases = 0;
  for (const SafetensorsEntry& entry : file.entries()) {
    constexpr std::string_view kEnd = ".qweight";
    if (!entry.name.ends_with(kEnd) || entry.name.starts_with("awq")) {
      continue;
    }
    SCOPED_TRACE(entry.name);
    const std::string name = entry.name.substr(0, entry.name.size() - kEnd.size());
    const auto tensor = [&](std::string_view end) { return file.tensor(name + std::string(end)); };
    const auto bits = static_cast<std::size_t>(name[name.find(".int") + 4] - '0');
    const auto matrix = read({name,
                              {{"qweight", tensor(".qweight").take()},
                               {"qzeros", tensor(".qzeros").take()},
                               {"scales", tensor(".scales").take()}}},
                             settings(bits, 128));
    const auto codes = codec::unpack_int_group(matrix);
    const Tensor wanted = tensor(".codes").take();
    ASSERT_EQ(wanted.dtype(), DType::kU8);
    EXPECT_TRUE(std::ranges::equal(codes.codes, wanted.as<std::uint8_t>()));
    const auto writer = gptq_format().create("gptq");
    const auto again = writer->write("m", matrix);
    for (const std::string_view part : {"qweight", "qzeros", "scales"}) {
      EXPECT_TRUE(std::ranges::equal(again.find(part)->bytes(),
                                     tensor(fmt::format(".{}", part)).take().bytes()))
          << part;
    }
    ++n_cases;
  }
  EXPECT_EQ(n_cases, 4U);
}

TEST(Gptq, ReadsGroupsInAnActivationOrder) {
  PackedTensors tensors = plain_module();
  auto groups = tensors.by_suffix["g_idx"].mutable_as<std::int32_t>();
  std::swap(groups[3], groups[20]);
  tensors.by_suffix["qweight"].mutable_as<std::uint32_t>()[0] = 0x9999A999U;  // inputs 0 to 7
  tensors.by_suffix["scales"].mutable_as<std::uint16_t>()[32] = 0x3800;  // 0.5, group 1 of output 0
  const auto matrix = read(tensors);
  EXPECT_EQ(matrix.codec->name(), "int4g16psh");
  const auto w = codec::decode_all(matrix);
  EXPECT_THAT(std::vector(w.begin(), w.begin() + 5), ElementsAre(1, 1, 1, 0.5F * 2, 1));
  const auto writer = gptq_format().create("gptq");
  const auto again = writer->write("m", matrix);
  for (const auto& [suffix, tensor] : tensors.by_suffix) {
    EXPECT_TRUE(std::ranges::equal(again.find(suffix)->bytes(), tensor.bytes())) << suffix;
  }
  EXPECT_EQ(writer->settings()["desc_act"], true);
}

TEST(Gptq, RefusesGroupsThatAreNotWhole) {
  PackedTensors tensors = plain_module();
  tensors.by_suffix["g_idx"].mutable_as<std::int32_t>()[3] = 1;
  EXPECT_THAT(refusal(tensors), HasSubstr("m.g_idx: group 0 has 15 inputs, expected 16"));
  tensors = plain_module();
  tensors.by_suffix["g_idx"].mutable_as<std::int32_t>()[0] = -1;
  EXPECT_THAT(refusal(tensors), HasSubstr("m.g_idx: input 0 lies in group -1, expected 0 to 1"));
  tensors.by_suffix["g_idx"].mutable_as<std::int32_t>()[0] = 2;
  EXPECT_THAT(refusal(tensors), HasSubstr("input 0 lies in group 2, expected 0 to 1"));
}

TEST(Gptq, RefusesVersionOneZerosThatToolsReadDifferently) {
  PackedTensors tensors = plain_module();
  tensors.by_suffix["qzeros"].mutable_as<std::uint32_t>()[1] = 0x777F7777U;
  EXPECT_THAT(refusal(tensors), HasSubstr("m.qzeros: group 0, output 12: all bits set"));
  EXPECT_EQ(refusal(tensors, settings(4, 16, "gptq_v2")), "");
}

TEST(Gptq, RefusesTensorsThatDoNotFit) {
  const auto without = [](std::string_view suffix) {
    PackedTensors tensors = plain_module();
    tensors.by_suffix.erase(tensors.by_suffix.find(suffix));
    return tensors;
  };
  EXPECT_THAT(refusal(without("qweight")), HasSubstr("m.qweight: missing"));
  EXPECT_THAT(refusal(without("qzeros")), HasSubstr("m.qzeros: missing"));
  EXPECT_THAT(refusal(without("scales")), HasSubstr("m.scales: missing"));
  EXPECT_EQ(refusal(without("g_idx")), "");

  const auto with = [](std::string suffix, Tensor tensor) {
    PackedTensors tensors = plain_module();
    tensors.by_suffix[suffix] = std::move(tensor);
    return tensors;
  };
  EXPECT_THAT(refusal(with("qweight", Tensor::make(DType::kF32, {4, 32}))),
              HasSubstr("m.qweight: expected dtype I32, found F32"));
  EXPECT_THAT(refusal(with("qweight", Tensor::make(DType::kI32, {128}))),
              HasSubstr("m.qweight: expected 2 dimensions above 0, found [128]"));
  EXPECT_THAT(refusal(with("qzeros", Tensor::make(DType::kI32, {2, 5}))),
              HasSubstr("are not of one width of 2, 3, 4 or 8 bits"));
  EXPECT_THAT(refusal(with("qzeros", Tensor::make(DType::kI32, {2, 8}))),
              HasSubstr("the tensors have 8 bits, quantization_config says 4"));
  EXPECT_THAT(refusal(with("qzeros", Tensor::make(DType::kI32, {3, 4}))),
              HasSubstr("m.qzeros: expected shape [2, 4], found [3, 4]"));
  EXPECT_THAT(refusal(with("scales", Tensor::make(DType::kF16, {1, 32}))),
              HasSubstr("m.scales: expected shape [2, 32], found [1, 32]"));
  EXPECT_THAT(refusal(with("scales", Tensor::make(DType::kI32, {2, 32}))),
              HasSubstr("m.scales: expected dtype F16 or BF16 or F32, found I32"));
  EXPECT_THAT(refusal(with("g_idx", Tensor::make(DType::kI32, {31}))),
              HasSubstr("m.g_idx: expected shape [32], found [31]"));
  PackedTensors infinite = plain_module();
  infinite.by_suffix["scales"].mutable_as<std::uint16_t>()[33] = 0x7C00;
  EXPECT_THAT(refusal(infinite), HasSubstr("m: the scale of row 1, group 1 is not finite"));
}

TEST(Gptq, RefusesSettings) {
  EXPECT_THAT(refusal({}, settings(5, 16)), HasSubstr("GPTQ with 5 bits is not read"));
  EXPECT_THAT(refusal({}, settings(4, 0)),
              HasSubstr("'group_size': wanted -1 or a number above 0"));
  EXPECT_THAT(refusal({}, settings(4, 16, "marlin")),
              HasSubstr("'checkpoint_format': 'marlin' is not read"));
  EXPECT_THAT(refusal({}, {{"group_size", 16}}), HasSubstr("'bits': wanted a whole number"));
}

TEST(Gptq, SaysWhyAWeightCannotBeWritten) {
  const auto why = [](const codec::EncodedMatrix& matrix, std::string_view target = "gptq") {
    return message_of([&] { gptq_format().create(target)->write("m", matrix); });
  };
  EXPECT_THAT(
      why(some_integers("int4g16ah", 32, 32)),
      HasSubstr("m: a zero of 0, which version 1 of the format cannot store; write gptq_v2"));
  EXPECT_EQ(why(some_integers("int4g16ah", 32, 32), "gptq_v2"), "");
  EXPECT_THAT(why(some_integers("int5g16sh", 32, 32)), HasSubstr("m: 5 bits; GPTQ files have"));
  EXPECT_THAT(why(some_integers("int4g16sh", 24, 32)), HasSubstr("m: 24 x 32 does not fill"));
  EXPECT_THAT(why(some_integers("int4g16sh", 32, 40)), HasSubstr("m: 32 x 40 does not fill"));
  const auto writer = gptq_format().create("gptq");
  writer->write("a", some_integers("int4g16sh", 32, 32));
  EXPECT_THAT(message_of([&] { writer->write("b", some_integers("int4g32sh", 32, 32)); }),
              HasSubstr("b has 4 bits in groups of 32, a has 4 in groups of 16"));
}

TEST(Gptq, SettingsTellOfLayersThatStayPlain) {
  const auto writer = gptq_format().create("gptq");
  writer->write("model.layers.0.a", some_integers("int4g16sh", 32, 32));
  writer->skip("lm_head");
  EXPECT_FALSE(writer->settings().contains("dynamic"));
  EXPECT_EQ(writer->settings()["lm_head"], false);
  writer->skip("model.layers.0.b");
  EXPECT_TRUE(writer->settings()["dynamic"].contains("-:^model\\.layers\\.0\\.b$"));
}

}  // namespace
}  // namespace nibble::io
