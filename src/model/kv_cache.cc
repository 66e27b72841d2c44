#include "model/kv_cache.h"

#include <algorithm>
#include <map>

#include "base/checked_math.h"
#include "model/layers/attention_block.h"
#include "model/page_pool.h"

namespace nibble::model {
namespace {

static_assert(kPageTokens == codec::kKvPageTokens);

constexpr PageId kNoPage = ~PageId{0};

struct Sequence {
  std::vector<PageId> pages;
  std::vector<PageId> floats;  ///< beside `pages`, kNoPage where none are kept; or none at all
  std::size_t length = 0;
};

double mebibytes(std::size_t n_bytes) {
  return static_cast<double>(n_bytes) / (1024.0 * 1024.0);
}

/// Bytes of one layer of a page: keys, then values.
struct LayerBytes {
  std::size_t keys = 0;
  std::size_t values = 0;
  [[nodiscard]] std::size_t sum() const { return keys + values; }
};

LayerBytes code_bytes(const codec::KvScheme& scheme, const codec::KvShape& shape, DType dtype) {
  if (!scheme.is_coded()) {
    const std::size_t half = kPageTokens * shape.width() * dtype_bytes(dtype);
    return {half, half};
  }
  return {codec::kv_layout(scheme.keys, shape).n_bytes,
          codec::kv_layout(scheme.values, shape).n_bytes};
}

LayerBytes float_bytes(const codec::KvScheme& scheme, const codec::KvShape& shape, DType dtype) {
  const std::size_t half = ops::float_tokens(scheme) * shape.width() * dtype_bytes(dtype);
  return {half, half};
}

/// The first page that tokens behind `length` see floats of.
std::size_t first_float_page(const codec::KvScheme& scheme, std::size_t length) {
  return scheme.residual == 0 ? 0 : (length - std::min(length, scheme.residual)) / kPageTokens;
}

/// Whether a page keeps floats while it is new.
bool keeps_floats(const codec::KvScheme& scheme, std::size_t page) {
  return scheme.is_coded() && (scheme.residual > 0 || page * kPageTokens < scheme.n_sinks);
}

}  // namespace

struct KvCache::Impl {
  Impl(const ModelConfig& config,
       const KvSetup& setup_,
       std::size_t max_bytes_,
       const std::shared_ptr<PageMemory>& memory)
      : setup(setup_),
        scheme(*setup.scheme),
        n_layers(config.n_layers),
        shape{config.n_kv_heads, config.head_dim},
        max_bytes(max_bytes_),
        codes(code_bytes(scheme, shape, setup.float_dtype)),
        kept(float_bytes(scheme, shape, setup.float_dtype)),
        pages(n_layers * codes.sum(), memory),
        float_pages(n_layers * kept.sum(), memory) {
    if (scheme.is_coded()) {
      make_codings(config);
    }
  }

  KvSetup setup;
  const codec::KvScheme& scheme;
  std::size_t n_layers;
  codec::KvShape shape;
  std::size_t max_bytes;
  LayerBytes codes, kept;
  PagePool pages;
  PagePool float_pages;
  std::vector<std::unique_ptr<ops::RopeTable>> rotations;  ///< one for each base
  std::vector<ops::KvCoding> codings;                      ///< [n_layers]
  std::map<SequenceId, Sequence> sequences;
  SequenceId next_sequence = 0;

  void make_codings(const ModelConfig& config) {
    for (std::size_t layer = 0; layer < n_layers; ++layer) {
      codings.push_back(
          {&scheme,
           scheme.needs_tables() ? &setup.tables->at(layer) : nullptr,
           scheme.keys_before_rope ? rotation_of(rope_frequencies(config, layer)) : nullptr});
    }
  }

  const ops::RopeTable* rotation_of(std::vector<float> frequencies) {
    for (const auto& table : rotations) {
      if (std::ranges::equal(table->inverse_frequency(), frequencies)) {
        return table.get();
      }
    }
    rotations.push_back(std::make_unique<ops::RopeTable>(std::move(frequencies)));
    return rotations.back().get();
  }

  Sequence& find(SequenceId id) {
    const auto found = sequences.find(id);
    NIBBLE_CHECK(found != sequences.end(), "KvCache: no such sequence");
    return found->second;
  }

  std::size_t bytes_in_use() const { return pages.bytes_in_use() + float_pages.bytes_in_use(); }

  void require_bytes(std::size_t n_bytes) const {
    const std::size_t used = bytes_in_use();
    if (n_bytes > max_bytes - std::min(used, max_bytes)) {
      raise(ErrorCode::kOutOfMemory,
            "key/value cache: {:.1f} MiB more are needed, {:.1f} of {:.1f} MiB are in use",
            mebibytes(n_bytes),
            mebibytes(used),
            mebibytes(max_bytes));
    }
  }

  void release_floats(PageId& page) {
    if (page != kNoPage) {
      float_pages.release(page);
      page = kNoPage;
    }
  }

  /// Gives back floats that no token behind the sequence's end sees.
  void forget_floats(Sequence& sequence) {
    if (scheme.residual > 0) {
      const std::size_t first = first_float_page(scheme, sequence.length);
      std::for_each_n(sequence.floats.begin(),
                      std::min(first, sequence.floats.size()),
                      [this](PageId& page) { release_floats(page); });
    }
  }

  void shorten(Sequence& sequence, std::size_t n_tokens) {
    const std::size_t n_pages = ceil_div(n_tokens, kPageTokens);
    while (sequence.pages.size() > n_pages) {
      pages.release(sequence.pages.back());
      sequence.pages.pop_back();
    }
    while (sequence.floats.size() > n_pages) {
      release_floats(sequence.floats.back());
      sequence.floats.pop_back();
    }
    sequence.length = n_tokens;
  }

  void add_page(Sequence& sequence) {
    if (scheme.is_coded()) {
      sequence.floats.push_back(keeps_floats(scheme, sequence.pages.size()) ? float_pages.take()
                                                                            : kNoPage);
    }
    sequence.pages.push_back(pages.take());
  }

  /// Bytes that the sequence takes to come to `n_pages`.
  std::size_t bytes_of_new_pages(const Sequence& sequence, std::size_t n_pages) const {
    std::size_t n_bytes = 0;
    for (std::size_t page = sequence.pages.size(); page < n_pages; ++page) {
      n_bytes += pages.page_bytes() + (keeps_floats(scheme, page) ? float_pages.page_bytes() : 0);
    }
    return n_bytes;
  }

  /// Gives the sequence a last page of its own with the content of the shared one.
  void unshare_last_page(Sequence& sequence) {
    const PageId shared = sequence.pages.back();
    sequence.pages.back() = pages.take_copy(shared);
    pages.release(shared);
    if (scheme.is_coded()) {
      unshare_last_floats(sequence);
    }
  }

  void unshare_last_floats(Sequence& sequence) {
    PageId& page = sequence.floats.back();
    if (page != kNoPage) {
      const PageId own = float_pages.take_copy(page);
      float_pages.release(page);
      page = own;
    }
  }
};

KvCache::KvCache(const ModelConfig& config, DType dtype, std::size_t max_bytes)
    : KvCache(config,
              default_kv_setup(dtype == DType::kF32 ? Arithmetic::kF32 : Arithmetic::kNative),
              max_bytes) {
  NIBBLE_CHECK(dtype == DType::kF32 || dtype == DType::kF16, "KvCache holds f32 or f16");
}

KvCache::KvCache(const ModelConfig& config,
                 const KvSetup& setup,
                 std::size_t max_bytes,
                 std::shared_ptr<PageMemory> memory)
    : impl_(std::make_unique<Impl>(
          config, setup, max_bytes, memory ? std::move(memory) : host_page_memory())) {}

KvCache::~KvCache() = default;
KvCache::KvCache(KvCache&&) noexcept = default;
KvCache& KvCache::operator=(KvCache&&) noexcept = default;

SequenceId KvCache::create() {
  const SequenceId id = impl_->next_sequence++;
  impl_->sequences[id];
  return id;
}

SequenceId KvCache::fork(SequenceId parent) {
  return fork(parent, length(parent));
}

SequenceId KvCache::fork(SequenceId parent, std::size_t n_tokens) {
  Sequence copy = impl_->find(parent);
  NIBBLE_CHECK(n_tokens <= copy.length, "KvCache: fork behind the end of the parent");
  NIBBLE_CHECK(can_fork(parent, n_tokens), "KvCache: fork where floats are gone");
  for (const PageId page : copy.pages) {
    impl_->pages.share(page);
  }
  for (const PageId page : copy.floats) {
    if (page != kNoPage) {
      impl_->float_pages.share(page);
    }
  }
  impl_->shorten(copy, n_tokens);
  const SequenceId id = create();
  impl_->find(id) = std::move(copy);
  return id;
}

bool KvCache::can_fork(SequenceId parent, std::size_t n_tokens) const {
  const Sequence& found = impl_->find(parent);
  const std::size_t n_pages = ceil_div(n_tokens, kPageTokens);
  for (std::size_t page = first_float_page(impl_->scheme, n_tokens); page < n_pages; ++page) {
    if (keeps_floats(impl_->scheme, page) && found.floats[page] == kNoPage) {
      return false;
    }
  }
  return true;
}

void KvCache::drop(SequenceId sequence) {
  impl_->shorten(impl_->find(sequence), 0);
  impl_->sequences.erase(sequence);
}

void KvCache::truncate(SequenceId sequence, std::size_t n_tokens) {
  Sequence& found = impl_->find(sequence);
  NIBBLE_CHECK(n_tokens <= found.length, "KvCache: truncate behind the end");
  NIBBLE_CHECK(can_fork(sequence, n_tokens), "KvCache: truncate where floats are gone");
  impl_->shorten(found, n_tokens);
}

std::size_t KvCache::length(SequenceId sequence) const {
  return impl_->find(sequence).length;
}

void KvCache::extend(SequenceId sequence, std::size_t n_tokens) {
  if (n_tokens == 0) {
    return;
  }
  Sequence& found = impl_->find(sequence);
  impl_->forget_floats(found);
  const std::size_t n_in_last = found.length % kPageTokens;
  const bool shares_last = n_in_last != 0 && impl_->pages.is_shared(found.pages.back());
  const std::size_t n_pages = ceil_div(found.length + n_tokens, kPageTokens);
  const std::size_t copy_bytes =
      shares_last ? impl_->pages.page_bytes() + impl_->float_pages.page_bytes() : 0;
  impl_->require_bytes(impl_->bytes_of_new_pages(found, n_pages) + copy_bytes);
  if (shares_last) {
    impl_->unshare_last_page(found);
  }
  while (found.pages.size() < n_pages) {
    impl_->add_page(found);
  }
  found.length += n_tokens;
  for (const auto& table : impl_->rotations) {
    table->cover(found.length);
  }
}

std::vector<ops::KvPageView> KvCache::pages(SequenceId sequence, std::size_t layer) const {
  NIBBLE_CHECK(layer < impl_->n_layers, "KvCache: no such layer");
  std::vector<ops::KvPageView> out;
  for (const PageId page : impl_->find(sequence).pages) {
    std::byte* const keys = impl_->pages.bytes(page) + layer * impl_->codes.sum();
    out.push_back({keys, keys + impl_->codes.keys});
  }
  return out;
}

std::vector<ops::KvPageView> KvCache::floats(SequenceId sequence, std::size_t layer) const {
  NIBBLE_CHECK(layer < impl_->n_layers, "KvCache: no such layer");
  std::vector<ops::KvPageView> out;
  for (const PageId page : impl_->find(sequence).floats) {
    if (page == kNoPage) {
      out.push_back({nullptr, nullptr});
      continue;
    }
    std::byte* const keys = impl_->float_pages.bytes(page) + layer * impl_->kept.sum();
    out.push_back({keys, keys + impl_->kept.keys});
  }
  return out;
}

const KvSetup& KvCache::setup() const noexcept {
  return impl_->setup;
}

DType KvCache::dtype() const noexcept {
  return impl_->setup.float_dtype;
}

const ops::KvCoding* KvCache::coding(std::size_t layer) const {
  return impl_->codings.empty() ? nullptr : &impl_->codings[layer];
}

std::size_t KvCache::bytes_in_use() const noexcept {
  return impl_->bytes_in_use();
}

std::size_t KvCache::bytes_per_token(const ModelConfig& config, DType dtype) {
  return config.n_layers * 2 * config.n_kv_heads * config.head_dim * dtype_bytes(dtype);
}

std::size_t KvCache::bytes_per_token() const noexcept {
  return impl_->pages.page_bytes() / kPageTokens;
}

std::size_t KvCache::bytes_for(std::size_t n_tokens, std::size_t n_new) const noexcept {
  const std::size_t n_pages = ceil_div(n_tokens, kPageTokens);
  const codec::KvScheme& scheme = impl_->scheme;
  // A page more than the window and the new tokens fill, and one to copy a shared page into.
  const std::size_t n_float =
      scheme.residual > 0
          ? std::min(n_pages, ceil_div(scheme.residual + n_new, kPageTokens) + 1) + 1
          : (scheme.n_sinks > 0 ? 2 : 0);
  return n_pages * impl_->pages.page_bytes() + n_float * impl_->float_pages.page_bytes();
}

}  // namespace nibble::model
