#include "base/process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <vector>

#include "base/error.h"

extern char** environ;

namespace nibble {
namespace {

/// A pipe whose reading end is ours.
struct Pipe {
  std::array<int, 2> ends{-1, -1};

  Pipe() {
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
      raise(ErrorCode::kIo, "a pipe: {}", std::strerror(errno));
    }
  }
  ~Pipe() {
    close_end(0);
    close_end(1);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  void close_end(std::size_t end) {
    if (ends.at(end) >= 0) {
      ::close(ends.at(end));
      ends.at(end) = -1;
    }
  }
  /// False at the end of what comes.
  bool read_into(std::string& text) {
    std::array<char, 4096> buffer{};
    const ssize_t n = ::read(ends[0], buffer.data(), buffer.size());
    if (n > 0) {
      text.append(buffer.data(), static_cast<std::size_t>(n));
    } else if (n == 0 || errno != EINTR) {
      close_end(0);
      return false;
    }
    return true;
  }
};

/// Both streams to their end, whichever comes first.
void read_both(Pipe& out, Pipe& err, ProcessResult& result) {
  bool out_open = true, err_open = true;
  while (out_open || err_open) {
    std::array<pollfd, 2> waits{{{out.ends[0], POLLIN, 0}, {err.ends[0], POLLIN, 0}}};
    if (::poll(waits.data(), waits.size(), -1) < 0 && errno != EINTR) {
      raise(ErrorCode::kIo, "waiting for a program: {}", std::strerror(errno));
    }
    if (out_open && waits[0].revents != 0) {
      out_open = out.read_into(result.out);
    }
    if (err_open && waits[1].revents != 0) {
      err_open = err.read_into(result.err);
    }
  }
}

class SpawnSettings {
 public:
  SpawnSettings(const Pipe& out, const Pipe& err) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_addopen(&actions_, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions_, out.ends[1], 1);
    posix_spawn_file_actions_adddup2(&actions_, err.ends[1], 2);
    posix_spawnattr_init(&attributes_);
    sigset_t none, defaults;
    sigemptyset(&none);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &defaults);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;

  int spawn(pid_t& child, std::vector<char*>& words) const {
    return ::posix_spawnp(&child, words[0], &actions_, &attributes_, words.data(), environ);
  }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

}  // namespace

Result<ProcessResult> run_process(std::span<const std::string> arguments) {
  try {
    std::vector<std::string> copies(arguments.begin(), arguments.end());
    std::vector<char*> words;
    for (std::string& word : copies) {
      words.push_back(word.data());
    }
    words.push_back(nullptr);
    Pipe out, err;
    const SpawnSettings settings(out, err);
    pid_t child = -1;
    if (const int failed = settings.spawn(child, words); failed != 0) {
      return fail(failed == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo,
                  "{}: cannot be run: {}",
                  copies.at(0),
                  std::strerror(failed));
    }
    out.close_end(1);
    err.close_end(1);
    ProcessResult result;
    read_both(out, err, result);
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return result;
  } catch (const Error& error) {
    return error.failure();
  }
}

}  // namespace nibble
