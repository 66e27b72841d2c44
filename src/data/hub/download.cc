#include "data/hub/download.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"

namespace nibble::data {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kBlock = std::size_t{1} << 20;

/// A hash that is fed piece by piece.
class Digest {
 public:
  explicit Digest(const EVP_MD* kind) : context_(EVP_MD_CTX_new()) {
    if (!context_ || EVP_DigestInit_ex(context_.get(), kind, nullptr) != 1) {
      raise(ErrorCode::kInternal, "OpenSSL gives no hash");
    }
  }
  void add(std::string_view bytes) { EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()); }
  [[nodiscard]] std::string hex() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> raw{};
    unsigned size = 0;
    EVP_DigestFinal_ex(context_.get(), raw.data(), &size);
    std::string out;
    for (unsigned i = 0; i < size; ++i) {
      out += fmt::format("{:02x}", raw.at(i));
    }
    return out;
  }

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context_;
};

/// Both hashes that a hub may know.
struct Hashes {
  Digest sha256{EVP_sha256()};
  Digest blob{EVP_sha1()};

  explicit Hashes(std::size_t n_bytes) {
    blob.add(fmt::format("blob {}", n_bytes));
    blob.add(std::string_view("\0", 1));
  }
  void add(std::string_view bytes) {
    sha256.add(bytes);
    blob.add(bytes);
  }
};

[[noreturn]] void raise_io(const fs::path& path, std::string_view what) {
  raise(ErrorCode::kIo, "{}: {}: {}", path.string(), what, std::strerror(errno));
}

/// PATH.part, its hashes so far, and its progress.
class PartFile final : public HttpTarget {
 public:
  PartFile(fs::path path, std::size_t n_bytes, ProgressSink& progress)
      : path_(std::move(path)),
        n_bytes_(n_bytes),
        hashes_(new Hashes(n_bytes)),
        progress_(progress) {
    fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd_ < 0) {
      raise_io(path_, "cannot be opened");
    }
    read_what_is_there();
  }
  ~PartFile() override { ::close(fd_); }
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;

  [[nodiscard]] std::size_t size() const override { return size_; }
  void append(std::string_view bytes) override {
    hashes_->add(bytes);
    size_ += bytes.size();
    progress_.advance(bytes.size());
    while (!bytes.empty()) {
      const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
      if (n < 0 && errno != EINTR) {
        raise_io(path_, "cannot be written");
      }
      bytes.remove_prefix(n > 0 ? static_cast<std::size_t>(n) : 0);
    }
  }
  void restart() override {
    if (::ftruncate(fd_, 0) != 0 || ::lseek(fd_, 0, SEEK_SET) != 0) {
      raise_io(path_, "cannot be begun again");
    }
    hashes_ = std::make_unique<Hashes>(n_bytes_);
    size_ = 0;
  }
  /// On the disk, and its hashes: SHA-256, git's.
  std::pair<std::string, std::string> finish() {
    if (::fsync(fd_) != 0) {
      raise_io(path_, "cannot be written");
    }
    return {hashes_->sha256.hex(), hashes_->blob.hex()};
  }

 private:
  void read_what_is_there() {
    std::vector<char> buffer(kBlock);
    for (;;) {
      cancel_flag().check();
      const ssize_t n = ::read(fd_, buffer.data(), buffer.size());
      if (n < 0 && errno != EINTR) {
        raise_io(path_, "cannot be read");
      }
      if (n == 0) {
        break;
      }
      hashes_->add({buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(n, 0))});
      size_ += static_cast<std::size_t>(std::max<ssize_t>(n, 0));
    }
    if (size_ > n_bytes_) {  // of another version of the file
      restart();
    }
    progress_.advance(size_);
  }

  fs::path path_;
  std::size_t n_bytes_;
  std::unique_ptr<Hashes> hashes_;
  ProgressSink& progress_;
  int fd_ = -1;
  std::size_t size_ = 0;
};

void check_hash(const HubFile& file,
                std::string_view name,
                const std::string& is,
                const fs::path& part) {
  const std::string& wanted = file.sha256.empty() ? file.git_oid : file.sha256;
  if (wanted.empty() || is == wanted) {
    return;
  }
  std::error_code ignored;
  fs::remove(part, ignored);
  raise(ErrorCode::kCorruptData,
        "{}: {} is {}, the hub says {}; what came was removed, pull again",
        file.path,
        name,
        is,
        wanted);
}

}  // namespace

Result<std::string> download_file(HttpClient& client,
                                  const Hub& hub,
                                  const std::string& url,
                                  const HubFile& file,
                                  const fs::path& path,
                                  ProgressSink& progress) {
  try {
    fs::create_directories(path.parent_path());
    const fs::path part = path.string() + ".part";
    std::string sha256, blob;
    {
      PartFile target(part, file.n_bytes, progress);
      if (target.size() < file.n_bytes) {
        const HttpReply reply = client.download(url, file.n_bytes, target).take();
        if (reply.status != 200 && reply.status != 206) {
          throw Error(refused(file.path, reply, hub));
        }
      }
      std::tie(sha256, blob) = target.finish();
    }
    check_hash(file,
               file.sha256.empty() ? "its SHA-1 as git's blob" : "its SHA-256",
               file.sha256.empty() ? blob : sha256,
               part);
    fs::rename(part, path);
    return sha256;
  } catch (const Error& error) {
    return error.failure();
  } catch (const fs::filesystem_error& error) {
    return fail(ErrorCode::kIo, "{}", error.what());
  }
}

}  // namespace nibble::data
