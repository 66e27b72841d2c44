#include "study/spec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "support/files.h"

namespace nibble::study {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr std::string_view kHead = "name = \"s\"\nmodel = \"m.gguf\"\n";
constexpr std::string_view kReference = "[[variant]]\nrecipe = \"none\"\n";
constexpr std::string_view kRecipe =
    "name = \"mine\"\n[[stage]]\nsolve = \"nearest\"\nscheme = { default = \"int4g128a\" }\n";
constexpr std::string_view kTask = "[[task]]\nname = \"arc_easy\"\n";

std::string message_of(const std::string& text) {
  try {
    parse_spec(text, "study.toml", "/base");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCorruptData) << error.what();
    return error.what();
  }
  return "no error";
}

std::string with(std::string_view more) {
  return fmt::format("{}{}{}{}", kHead, more, kTask, kReference);
}

TEST(Spec, VariantsMayNameASchemeOfKeysAndValues) {
  const std::string more = "[[variant]]\nrecipe = \"none\"\nkv = \"kivi-4\"\n";
  const std::string both = "[[variant]]\nrecipe = \"rtn-int4\"\nkv = \"int8\"\n";
  const Spec spec = parse_spec(with("") + more + both, "study.toml", "/base");
  ASSERT_EQ(spec.variants.size(), 3U);
  EXPECT_EQ(spec.variants[0].kv, nullptr);
  EXPECT_EQ(spec.variants[1].name, "kivi-4");
  EXPECT_EQ(spec.variants[1].kv->name, "kivi-4");
  EXPECT_EQ(spec.variants[2].name, "rtn-int4 + int8");
  EXPECT_THAT(message_of(with("") + more + more), HasSubstr("two variants of the name 'kivi-4'"));
  EXPECT_THAT(message_of(with("kv = \"int8\"\n")), HasSubstr("unknown key 'kv'"));
  EXPECT_THAT(message_of(with("") + "[[variant]]\nrecipe = \"none\"\nkv = \"kivi\"\n"),
              HasSubstr("no key/value scheme 'kivi'"));
}

TEST(Spec, ADevicesMemoryIsAnAmountBesideADevice) {
  const auto of = [](const std::string& device, const std::string& memory) {
    return with(fmt::format("device = \"{}\"\ndevice_memory = \"{}\"\n", device, memory));
  };
  EXPECT_EQ(parse_spec(with(""), "study.toml", "/base").device_memory, 0U);
  EXPECT_EQ(parse_spec(of("cuda:0", "6GB"), "study.toml", "/base").device_memory, 6'000'000'000U);
  EXPECT_THAT(message_of(of("cuda:0", "6")), HasSubstr("like \"6GB\""));
  EXPECT_THAT(message_of(of("cuda:0", "0GB")), HasSubstr("like \"6GB\""));
  EXPECT_THAT(message_of(of("cpu", "6GB")), HasSubstr("beside a GPU as device"));
}

TEST(Spec, MeasurementsLengthsDevicesAndPrices) {
  const std::string measure =
      "device = \"cuda:1\"\n[measure]\nprompts = [128, 512]\ndepths = [0]\nbatches = [1, 8]\n"
      "batch_new_tokens = 4\nenergy_seconds = 0\nlimits = false\nhardware = \"T4\"\n"
      "hardware_table = \"mine.toml\"\npower_w = 65.5\n[cost]\nper_hour = 0.35\ncurrency = "
      "\"EUR\"\n";
  const Spec spec = parse_spec(with(measure), "study.toml", "/base");
  EXPECT_EQ(spec.device, "cuda:1");
  EXPECT_EQ(spec.measure->prompts, (std::vector<std::size_t>{128, 512}));
  EXPECT_EQ(spec.measure->batches, (std::vector<std::size_t>{1, 8}));
  EXPECT_EQ(spec.measure->batch_new_tokens, 4U);
  EXPECT_EQ(spec.measure->energy_seconds, 0);
  EXPECT_FALSE(spec.measure->limits);
  EXPECT_EQ(spec.device_spec.hardware_table, "/base/mine.toml");
  EXPECT_EQ(spec.device_spec.power_w, 65.5);
  EXPECT_EQ(spec.device_spec.per_hour, 0.35);
  EXPECT_FALSE(spec.device_spec.per_kwh);
  EXPECT_EQ(spec.device_spec.currency, "EUR");
  EXPECT_EQ(parse_spec(with(""), "study.toml", "/base").device, "cpu");
  EXPECT_THAT(message_of(with("[measure]\nbatches = [0]\n")), HasSubstr("from 1 to 4096"));
  EXPECT_THAT(message_of(with("[measure]\nprompts = [8, 8]\n")), HasSubstr("8 is listed twice"));
  EXPECT_THAT(message_of(with("[measure]\npower_w = 0\n")), HasSubstr("above 0"));
  EXPECT_THAT(message_of(with("[measure]\nenergy_seconds = -1\n")), HasSubstr("from 0 to 3600"));
  EXPECT_THAT(message_of(with("[cost]\nper_day = 1\n")), HasSubstr("unknown key 'per_day'"));
}

TEST(Spec, ReadsQuestionsOverDocuments) {
  const Spec spec = parse_spec(fmt::format("{}{}{}",
                                           kHead,
                                           R"([[rag]]
set = "squad"
data = "sets"
optional = true
limit = 40
documents = 10
positions = [0, 4, 9]
attention = true
shuffle = false
max_answer = 24
[[rag]]
set = "mine.jsonl"
context = "retrieved"
lengths = [512, 1024]
example = false
cite = true
abstain = true
chat = true
system = "Be brief."
)",
                                           kReference),
                               "study.toml",
                               "/base");
  ASSERT_EQ(spec.rag.size(), 2U);
  EXPECT_EQ(spec.rag[0].set, "squad");
  EXPECT_EQ(spec.rag[0].data, "/base/sets");
  EXPECT_TRUE(spec.rag[0].is_optional);
  EXPECT_TRUE(spec.rag[1].data.empty());
  EXPECT_FALSE(spec.rag[1].is_optional);
  EXPECT_EQ(spec.rag[0].positions, (std::vector<std::size_t>{0, 4, 9}));
  EXPECT_EQ(spec.rag[0].n_documents, 10U);
  EXPECT_TRUE(spec.rag[0].measures_attention && spec.rag[0].shows_example);
  EXPECT_FALSE(spec.rag[0].is_shuffled);
  EXPECT_EQ(spec.rag[0].max_answer, 24U);
  EXPECT_EQ(spec.rag[1].set, "/base/mine.jsonl");
  EXPECT_EQ(spec.rag[1].mode, rag::ContextMode::kRetrieved);
  EXPECT_EQ(spec.rag[1].lengths, (std::vector<std::size_t>{512, 1024}));
  EXPECT_TRUE(spec.rag[1].asks_citations && spec.rag[1].allows_abstention && spec.rag[1].is_chat);
  EXPECT_FALSE(spec.rag[1].shows_example);
  EXPECT_EQ(spec.rag[1].system, "Be brief.");
}

TEST(Spec, ReadsRetrieversAndWhoSearchesByThem) {
  const std::string table = "[[retriever]]\nname = \"words\"\n";
  const std::string asked =
      "[[rag]]\nset = \"squad\"\ncontext = \"retrieved\"\ndocuments = 5\nretriever = [\"words\"]\n";
  const Spec spec = parse_spec(with(table + asked), "study.toml", "/base");
  ASSERT_EQ(spec.retrievers.size(), 1U);
  EXPECT_EQ(spec.rag.at(0).retrievers, std::vector<std::string>{"words"});
  EXPECT_THAT(message_of(with(table)), HasSubstr("'words' searches for no [[rag]] table"));
  EXPECT_THAT(message_of(with(asked)), HasSubstr("no [[retriever]] of the name 'words'"));
  EXPECT_THAT(message_of(with(table + "[[rag]]\nset = \"squad\"\nretriever = [\"words\"]\n")),
              HasSubstr("expected context = \"retrieved\""));
  EXPECT_THAT(message_of(with(table + "[[rag]]\nset = \"squad\"\ncontext = \"retrieved\"\n"
                                      "retriever = [\"words\"]\n")),
              HasSubstr("expected documents = N"));
}

TEST(Spec, RefusesContradictionsOfQuestionsOverDocuments) {
  const auto refused = [](std::string_view keys) {
    return message_of(with(fmt::format("[[rag]]\nset = \"squad\"\n{}\n", keys)));
  };
  EXPECT_THAT(refused("lengths = [1024, 512]"),
              HasSubstr("expected ascending whole numbers from 1"));
  EXPECT_THAT(refused("context = \"golden\""),
              HasSubstr("wanted gold, retrieved, oracle or closed"));
  EXPECT_THAT(refused("context = \"oracle\"\npositions = [0]"),
              HasSubstr("expected context = \"gold\""));
  EXPECT_THAT(refused("context = \"closed\"\nattention = true"), HasSubstr("documents to look at"));
  EXPECT_THAT(refused("length = [512]"), HasSubstr("did you mean 'lengths'?"));
}

TEST(Spec, ReadsEverything) {
  const nibble::testing::TempFolder folder;
  const std::filesystem::path here = folder / "here";
  std::filesystem::create_directories(here / "own");
  nibble::testing::write_file(here / "own/mine.toml", kRecipe);
  const Spec spec = parse_spec(R"(name = "s"
model = "models/m.gguf"
data = "../data"
output = "/abs/out"
arithmetic = "f32"
threads = 3
notes = ["one"]
[measure]
prompt_tokens = 64
repetitions = 7
warmups = 0
[[task]]
name = "arc_easy"
limit = 100
[[task]]
name = "wikitext"
context = 512
[[variant]]
name = "as it is"
recipe = "none"
[[variant]]
recipe = "rtn-int4"
[[variant]]
recipe = "own/mine.toml"
)",
                               "study.toml",
                               here);
  EXPECT_EQ(spec.model, here / "models/m.gguf");
  EXPECT_EQ(spec.data, folder / "data");
  EXPECT_EQ(spec.output, "/abs/out");
  EXPECT_EQ(spec.arithmetic, Arithmetic::kF32);
  EXPECT_EQ(spec.threads, 3U);
  EXPECT_EQ(spec.measure->prompt_tokens, 64U);
  EXPECT_EQ(spec.measure->repetitions, 7U);
  EXPECT_EQ(spec.measure->warmups, 0U);
  ASSERT_EQ(spec.tasks.size(), 2U);
  EXPECT_EQ(spec.tasks[0].limit, 100U);
  EXPECT_EQ(spec.tasks[0].context, 2048U);
  EXPECT_EQ(spec.tasks[1].context, 512U);
  ASSERT_EQ(spec.variants.size(), 3U);
  EXPECT_EQ(spec.variants[0].name, "as it is");
  EXPECT_EQ(spec.variants[1].name, "rtn-int4");
  EXPECT_EQ(spec.variants[2].name, "mine");
  EXPECT_EQ(spec.variants[2].recipe, (here / "own/mine.toml").string());
}

TEST(Spec, TasksAreAskedAsEvalAsksThem) {
  const Spec spec = parse_spec(
      with("[[task]]\nname = \"gsm8k\"\napply_chat_template = true\nfewshot_as_multiturn = false\n"
           "system = \"Be brief.\"\nmax_answer = 64\n[[task]]\nname = \"humaneval\"\n"
           "samples = 20\npass_k = [1, 10]\ntemperature = 0.8\ntop_p = 0.9\nseed = 7\n"),
      "study.toml",
      "/base");
  const TaskSpec& chat = spec.tasks[0];
  EXPECT_TRUE(chat.applies_template);
  EXPECT_FALSE(chat.is_multiturn);
  EXPECT_EQ(chat.system, "Be brief.");
  EXPECT_EQ(chat.max_answer, 64U);
  const eval::CodeSampling& code = spec.tasks[1].code;
  EXPECT_EQ(code.n_samples, 20U);
  EXPECT_EQ(code.ks, (std::vector<std::size_t>{1, 10}));
  EXPECT_EQ(code.temperature, 0.8);
  EXPECT_EQ(code.top_p, 0.9);
  EXPECT_EQ(code.seed, 7U);
  EXPECT_FALSE(spec.tasks[2].applies_template);
  EXPECT_TRUE(spec.tasks[2].is_multiturn);
  EXPECT_FALSE(spec.allows_code);
  EXPECT_THAT(message_of(with("[[task]]\nname = \"gsm8k\"\nsamples = 2\n")),
              HasSubstr("unknown key 'samples'"));
  EXPECT_THAT(message_of(with("allow_code = true\n")), HasSubstr("unknown key 'allow_code'"));
}

TEST(Spec, DefaultsAreSmall) {
  const Spec spec = parse_spec(with(""), "study.toml", "/base");
  EXPECT_EQ(spec.data, "/base/");
  EXPECT_EQ(spec.output, "/base/out");
  EXPECT_EQ(spec.arithmetic, Arithmetic::kDeterministic);
  EXPECT_FALSE(spec.measure);
  EXPECT_EQ(spec.variants[0].name, "reference");
}

TEST(Spec, CountsHaveBounds) {
  EXPECT_THAT(message_of(with("threads = 999999\n")),
              HasSubstr("study.toml:3:11: 'threads': expected a whole number from 0 to 1024"));
  EXPECT_THAT(message_of(with("[measure]\nprompt_tokens = 99999999\n")),
              HasSubstr("'prompt_tokens': expected a whole number from 1 to 16777216"));
}

TEST(Spec, DemoIsTheCachedModel) {
  const Spec spec =
      parse_spec(fmt::format("name = \"s\"\nmodel = \"demo\"\n{}{}", kTask, kReference),
                 "study.toml",
                 "/base");
  EXPECT_EQ(spec.model, demo_model_path());
  EXPECT_THAT(demo_model_path().string(), HasSubstr("nibble/models/SmolLM2"));
}

TEST(Spec, FaultsAreNamedWithTheirPlace) {
  EXPECT_THAT(message_of(with("outptu = \"x\"\n")), HasSubstr("study.toml:3:1"));
  EXPECT_THAT(message_of(with("outptu = \"x\"\n")), HasSubstr("did you mean 'output'"));
  EXPECT_THAT(message_of(with("arithmetic = \"int8\"\n")),
              HasSubstr("expected f32, native or deterministic"));
  EXPECT_THAT(message_of(with("threads = -1\n")), HasSubstr("'threads': expected a whole number"));
  EXPECT_THAT(message_of(with("[measure]\nrepetitions = 0\n")), HasSubstr("from 1 to"));
  EXPECT_THAT(message_of(with("[[task]]\nname = \"x\"\nlimit = 0\n")), HasSubstr("'limit'"));
  EXPECT_THAT(message_of("name = \n"), HasSubstr("study.toml:1:"));
  EXPECT_THAT(message_of(fmt::format("{}{}", kHead, kTask)), HasSubstr("[[variant]]"));
  EXPECT_THAT(message_of(fmt::format("{}{}", kHead, kReference)), HasSubstr("[[task]]"));
  EXPECT_THAT(message_of(fmt::format("{}{}[[variant]]\nrecipe = \"nf4\"\n", kHead, kTask)),
              HasSubstr("first variant"));
  EXPECT_THAT(message_of(with(kReference)), HasSubstr("first variant"));
  EXPECT_THAT(message_of(with("") +
                         "[[variant]]\nrecipe=\"nf4\"\n[[variant]]\nname=\"b\"\nrecipe=\"nf4\"\n"),
              HasSubstr("two variants of the recipe 'nf4'"));
  EXPECT_THAT(message_of(with("") + "[[variant]]\nname=\"reference\"\nrecipe=\"nf4\"\n"),
              HasSubstr("two variants of the name"));
  EXPECT_THAT(message_of(with(kTask)), HasSubstr("listed twice"));
}

TEST(Spec, NamesThatAreNotKnownAreToldWithTheirPlace) {
  EXPECT_EQ(message_of(with("[[task]]\nname = \"arc_eazy\"\n")),
            "study.toml:4:8: 'name': unknown task 'arc_eazy' (did you mean 'arc_easy'?); nibble "
            "tasks lists them");
  EXPECT_THAT(message_of(with("") + "[[variant]]\nrecipe = \"hqq-int5\"\n"),
              AllOf(HasSubstr("study.toml:8:10: 'recipe': "), HasSubstr("'hqq-int5'")));
  EXPECT_THAT(message_of(with("[[rag]]\nset = \"squat\"\n")),
              HasSubstr("study.toml:4:7: 'set': unknown set of questions 'squat' (did you mean "
                        "'squad'?)"));
  EXPECT_THAT(message_of("name = \"s\"\nmodle = \"m\"\n"),
              HasSubstr("study.toml:2:1: unknown key 'modle' (did you mean 'model'?)"));
}

/// A study file in the folder that holds `quiz/own.toml` and `own-recipe.toml`.
std::string message_beside(const std::filesystem::path& folder, const std::string& text) {
  try {
    parse_spec(text, "study.toml", folder);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Spec, TasksAndRecipesOfOnesOwnAreRelativeToTheStudyFile) {
  const nibble::testing::TempFolder folder;
  std::filesystem::create_directories(folder / "quiz");
  nibble::testing::write_file(
      folder / "quiz/own.toml",
      "name = \"own\"\nversion = 1\nkind = \"choice\"\nsummary = \"s\"\nmetrics = [\"acc\"]\n"
      "[data]\nfiles = [\"own.jsonl\"]\n[prompt]\ntext = \"{{ q }}\"\nchoices = \"{{ c }}\"\n"
      "target = \"{{ a }}\"\n");
  const Spec spec = parse_spec(with("[[task]]\nname = \"quiz/own.toml\"\n[[task]]\nname = "
                                    "\"quiz/own.toml_2shot\"\n[[task]]\nname = "
                                    "\"choice:quiz.jsonl\"\n"),
                               "study.toml",
                               folder.path());
  EXPECT_EQ(spec.tasks[0].name, (folder / "quiz/own.toml").string());
  EXPECT_EQ(spec.tasks[1].name, (folder / "quiz/own.toml_2shot").string());
  EXPECT_EQ(spec.tasks[2].name, "choice:quiz.jsonl");
  EXPECT_THAT(message_beside(folder.path(), with("[[task]]\nname = \"own.toml\"\n")),
              AllOf(HasSubstr("study.toml:4:8: 'name': "), HasSubstr("own.toml")));
  nibble::testing::write_file(folder / "quiz/own.toml", "name = \"own\"\nversion = 1\nkindd = 1\n");
  EXPECT_THAT(message_beside(folder.path(), with("[[task]]\nname = \"quiz/own.toml\"\n")),
              AllOf(HasSubstr("study.toml:4:8: 'name': "),
                    HasSubstr("quiz/own.toml:3:1: unknown key 'kindd'")));
  nibble::testing::write_file(folder / "bad.toml", "nam = 1\n");
  EXPECT_THAT(
      message_beside(folder.path(), with("") + "[[variant]]\nrecipe = \"bad.toml\"\n"),
      AllOf(HasSubstr("study.toml:8:10: 'recipe': "), HasSubstr((folder / "bad.toml:1").string())));
}

TEST(Spec, AMissingFileIsNotFound) {
  try {
    read_spec("/no/such/study.toml");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNotFound);
  }
}

TEST(Spec, TheDemoStudyReads) {
  const Spec spec = read_spec(nibble::testing::source_path("examples/demo/study.toml"));
  EXPECT_EQ(spec.variants.size(), 9U);
  EXPECT_EQ(spec.tasks.size(), 5U);
  EXPECT_FALSE(spec.notes.empty());
}

}  // namespace
}  // namespace nibble::study
