#include "model/kv_cache.h"

#include <algorithm>
#include <cstring>
#include <map>

#include "base/checked_math.h"
#include "tensor/tensor.h"

namespace nibble::model {
namespace {

using PageId = std::uint32_t;

struct Page {
  std::shared_ptr<std::byte[]> bytes;
  std::size_t n_users = 0;
};

struct Sequence {
  std::vector<PageId> pages;
  std::size_t length = 0;
};

double mebibytes(std::size_t n_bytes) {
  return static_cast<double>(n_bytes) / (1024.0 * 1024.0);
}

}  // namespace

struct KvCache::Impl {
  DType dtype;
  std::size_t n_layers;
  std::size_t n_kv_heads;
  std::size_t slot_bytes;  ///< one token's key or value of one head
  std::size_t max_bytes;
  std::vector<Page> pages;
  std::vector<PageId> free_pages;  ///< allocated, used by nobody
  std::map<SequenceId, Sequence> sequences;
  SequenceId next_sequence = 0;

  /// Bytes of K or of V of one layer of a page.
  std::size_t half_bytes() const { return n_kv_heads * kPageTokens * slot_bytes; }
  std::size_t page_bytes() const { return n_layers * 2 * half_bytes(); }

  Sequence& find(SequenceId id) {
    const auto found = sequences.find(id);
    NIBBLE_CHECK(found != sequences.end(), "KvCache: no such sequence");
    return found->second;
  }

  void require_pages(std::size_t n_pages) const {
    const std::size_t n_used = pages.size() - free_pages.size();
    if (n_pages > max_bytes / page_bytes() - std::min(n_used, max_bytes / page_bytes())) {
      raise(ErrorCode::kOutOfMemory,
            "key/value cache: {:.1f} MiB more are needed, {:.1f} of {:.1f} MiB are in use",
            mebibytes(n_pages * page_bytes()),
            mebibytes(n_used * page_bytes()),
            mebibytes(max_bytes));
    }
  }

  PageId take_page() {
    PageId id = 0;
    if (free_pages.empty()) {
      id = static_cast<PageId>(pages.size());
      pages.push_back({allocate_aligned(page_bytes()), 0});
    } else {
      id = free_pages.back();
      free_pages.pop_back();
    }
    pages[id].n_users = 1;
    return id;
  }

  void release(PageId id) {
    if (--pages[id].n_users == 0) {
      free_pages.push_back(id);
    }
  }

  void shorten(Sequence& sequence, std::size_t n_tokens) {
    const std::size_t n_pages = ceil_div(n_tokens, kPageTokens);
    while (sequence.pages.size() > n_pages) {
      release(sequence.pages.back());
      sequence.pages.pop_back();
    }
    sequence.length = n_tokens;
  }

  /// Gives the sequence a last page of its own with the first `n_tokens` slots of the shared one.
  void unshare_last_page(Sequence& sequence, std::size_t n_tokens) {
    const PageId shared = sequence.pages.back();
    const PageId own = take_page();
    const std::size_t head_bytes = kPageTokens * slot_bytes;
    for (std::size_t head = 0; head < n_layers * 2 * n_kv_heads; ++head) {
      std::memcpy(pages[own].bytes.get() + head * head_bytes,
                  pages[shared].bytes.get() + head * head_bytes,
                  n_tokens * slot_bytes);
    }
    release(shared);
    sequence.pages.back() = own;
  }
};

KvCache::KvCache(const ModelConfig& config, DType dtype, std::size_t max_bytes)
    : impl_(std::make_unique<Impl>()) {
  NIBBLE_CHECK(dtype == DType::kF32 || dtype == DType::kF16, "KvCache holds f32 or f16");
  impl_->dtype = dtype;
  impl_->n_layers = config.n_layers;
  impl_->n_kv_heads = config.n_kv_heads;
  impl_->slot_bytes = config.head_dim * dtype_bytes(dtype);
  impl_->max_bytes = max_bytes;
}

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
  for (const PageId page : copy.pages) {
    ++impl_->pages[page].n_users;
  }
  impl_->shorten(copy, n_tokens);
  const SequenceId id = create();
  impl_->find(id) = std::move(copy);
  return id;
}

void KvCache::drop(SequenceId sequence) {
  impl_->shorten(impl_->find(sequence), 0);
  impl_->sequences.erase(sequence);
}

void KvCache::truncate(SequenceId sequence, std::size_t n_tokens) {
  Sequence& found = impl_->find(sequence);
  NIBBLE_CHECK(n_tokens <= found.length, "KvCache: truncate behind the end");
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
  const std::size_t n_in_last = found.length % kPageTokens;
  const bool shares_last = n_in_last != 0 && impl_->pages[found.pages.back()].n_users > 1;
  const std::size_t n_pages = ceil_div(found.length + n_tokens, kPageTokens);
  impl_->require_pages(n_pages - found.pages.size() + (shares_last ? 1 : 0));
  if (shares_last) {
    impl_->unshare_last_page(found, n_in_last);
  }
  while (found.pages.size() < n_pages) {
    found.pages.push_back(impl_->take_page());
  }
  found.length += n_tokens;
}

std::vector<ops::KvPageView> KvCache::pages(SequenceId sequence, std::size_t layer) const {
  NIBBLE_CHECK(layer < impl_->n_layers, "KvCache: no such layer");
  const std::size_t half = impl_->half_bytes();
  std::vector<ops::KvPageView> out;
  for (const PageId page : impl_->find(sequence).pages) {
    std::byte* const keys = impl_->pages[page].bytes.get() + layer * 2 * half;
    out.push_back({keys, keys + half});
  }
  return out;
}

DType KvCache::dtype() const noexcept {
  return impl_->dtype;
}

std::size_t KvCache::bytes_in_use() const noexcept {
  return (impl_->pages.size() - impl_->free_pages.size()) * impl_->page_bytes();
}

std::size_t KvCache::bytes_per_token(const ModelConfig& config, DType dtype) {
  return config.n_layers * 2 * config.n_kv_heads * config.head_dim * dtype_bytes(dtype);
}

}  // namespace nibble::model
