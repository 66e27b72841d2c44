#include "codec/kv/scheme.h"

#include <gmock/gmock.h>

#include <set>

namespace nibble::codec {
namespace {

using ::testing::HasSubstr;

TEST(KvScheme, NamesAreDistinctAndFound) {
  std::set<std::string_view> names;
  for (const KvScheme& scheme : kv_schemes()) {
    EXPECT_TRUE(names.insert(scheme.name).second) << scheme.name;
    EXPECT_EQ(kv_scheme_from_name(scheme.name).value(), &scheme);
    EXPECT_FALSE(scheme.summary.empty());
    EXPECT_EQ(scheme.keys_before_rope, scheme.needs_tables());
  }
  EXPECT_EQ(kv_scheme_names(), "f32, f16, int8, int4, kivi-4, kivi-2, kvquant-4, kvquant-3");
}

TEST(KvScheme, AnUnknownNameIsAnsweredWithANearOne) {
  const auto found = kv_scheme_from_name("kivi4");
  ASSERT_FALSE(found);
  EXPECT_EQ(found.failure().code, ErrorCode::kNotFound);
  EXPECT_THAT(found.failure().message, HasSubstr("did you mean 'kivi-4'"));
}

TEST(KvScheme, BytesOfATokenAreThoseOfTheDefinitions) {
  const KvShape shape{8, 128};
  const auto bits = [&](const KvFormat& format) {
    return 8.0 * static_cast<double>(kv_layout(format, shape).n_bytes) /
           static_cast<double>(kKvPageTokens * shape.width());
  };
  EXPECT_DOUBLE_EQ(bits({KvKind::kTokenGroups, 2}), 3.0);
  EXPECT_DOUBLE_EQ(bits({KvKind::kChannelGroups, 2}), 3.0);
  EXPECT_DOUBLE_EQ(bits({KvKind::kTokenGroups, 8}), 9.0);
  // 1.17 % of the values (12 of 1024) in 32 bits each, a span and an end for each token.
  EXPECT_NEAR(bits({KvKind::kTokenLevels, 4}), 4.0 + 12.0 * 32 / 1024 + 48.0 / 1024, 0.01);
  EXPECT_NEAR(bits({KvKind::kChannelLevels, 4}), 4.0 + 0.02 * 32 + 16.0 / 1024, 0.01);
}

}  // namespace
}  // namespace nibble::codec
