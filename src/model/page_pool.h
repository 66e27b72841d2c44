/// Pages of one size, counted by their users and used again.
///
/// Threads    not thread-safe
/// Errors     std::bad_alloc
/// Source     our own
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace nibble::model {

using PageId = std::uint32_t;

class PagePool {
 public:
  explicit PagePool(std::size_t page_bytes) : page_bytes_(page_bytes) {}

  /// A page with one user; its content is unspecified.
  PageId take();
  void share(PageId page) { ++pages_[page].n_users; }
  void release(PageId page);

  [[nodiscard]] bool is_shared(PageId page) const { return pages_[page].n_users > 1; }
  [[nodiscard]] std::byte* bytes(PageId page) const { return pages_[page].bytes.get(); }
  [[nodiscard]] std::size_t page_bytes() const noexcept { return page_bytes_; }
  [[nodiscard]] std::size_t bytes_in_use() const noexcept {
    return (pages_.size() - free_.size()) * page_bytes_;
  }

 private:
  struct Page {
    std::shared_ptr<std::byte[]> bytes;
    std::size_t n_users = 0;
  };

  std::size_t page_bytes_;
  std::vector<Page> pages_;
  std::vector<PageId> free_;  ///< allocated, used by nobody
};

}  // namespace nibble::model
