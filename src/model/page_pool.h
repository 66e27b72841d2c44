/// Pages of one size, counted by their users and used again; where they lie, a PageMemory says.
///
/// Threads    not thread-safe
/// Errors     std::bad_alloc
/// Source     our own
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace nibble::model {

using PageId = std::uint32_t;

/// Where pages lie: the host's memory, or a device's.
class PageMemory {
 public:
  virtual ~PageMemory() = default;
  [[nodiscard]] virtual std::shared_ptr<std::byte[]> allocate(std::size_t n_bytes) = 0;
  /// All bytes of a page into another.
  virtual void copy(const std::byte* from, std::byte* to, std::size_t n_bytes) = 0;
};

/// The host's.
std::shared_ptr<PageMemory> host_page_memory();

class PagePool {
 public:
  explicit PagePool(std::size_t page_bytes, std::shared_ptr<PageMemory> memory = host_page_memory())
      : page_bytes_(page_bytes), memory_(std::move(memory)) {}

  /// A page with one user; its content is unspecified.
  PageId take();
  void share(PageId page) { ++pages_[page].n_users; }
  void release(PageId page);
  /// A page of one user with the content of another.
  PageId take_copy(PageId page);

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
  std::shared_ptr<PageMemory> memory_;
  std::vector<Page> pages_;
  std::vector<PageId> free_;  ///< allocated, used by nobody
};

}  // namespace nibble::model
