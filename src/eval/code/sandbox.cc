#include "eval/code/sandbox.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"

namespace nibble::eval {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr const char* kBubblewrap = "/usr/bin/bwrap";
constexpr const char* kPrlimit = "/usr/bin/prlimit";
constexpr const char* kPython = "/usr/bin/python3";
constexpr unsigned kNobody = 65534;
constexpr int kProgramFd = 10;  // in the child, before bubblewrap copies it
constexpr int kVerdictFd = 11;
constexpr char kReachedEnd = '1';
constexpr milliseconds kPollStep{50};

class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() { close(); }
  void close() {
    if (fd_ >= 0) {
      ::close(std::exchange(fd_, -1));
    }
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

[[noreturn]] void raise_system(std::string_view what) {
  raise(ErrorCode::kIo, "{}: {}", what, std::strerror(errno));
}

/// The program, and behind it the line that says that its end was reached.
Fd program_file(std::string_view program) {
  Fd file(::memfd_create("program", MFD_CLOEXEC));
  if (file.get() < 0) {
    raise_system("a file in memory for a program");
  }
  const std::string text = fmt::format(
      "{}\n\nimport os as _os\n_os.write({}, b'{}')\n", program, kVerdictFd, kReachedEnd);
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t n = ::write(file.get(), text.data() + done, text.size() - done);
    if (n < 0) {
      raise_system("a file in memory for a program");
    }
    done += static_cast<std::size_t>(n);
  }
  ::lseek(file.get(), 0, SEEK_SET);
  return file;
}

std::vector<std::string> command_line(const SandboxLimits& limits) {
  const auto cpu_seconds = 1 + limits.wall.count() * 3 / 2 / 1000;
  return {kBubblewrap,
          "--unshare-user",
          "--disable-userns",
          "--unshare-ipc",
          "--unshare-pid",
          "--unshare-net",
          "--unshare-uts",
          "--unshare-cgroup-try",
          "--die-with-parent",
          "--new-session",
          "--uid",
          "65534",
          "--gid",
          "65534",
          "--cap-drop",
          "ALL",
          "--hostname",
          "sandbox",
          "--clearenv",
          "--setenv",
          "PATH",
          "/usr/bin",
          "--ro-bind",
          "/usr",
          "/usr",
          "--symlink",
          "usr/lib",
          "/lib",
          "--symlink",
          "usr/lib64",
          "/lib64",
          "--symlink",
          "usr/bin",
          "/bin",
          "--proc",
          "/proc",
          "--dev",
          "/dev",
          "--size",
          fmt::format("{}", limits.file_bytes),
          "--tmpfs",
          "/tmp",
          "--size",
          "65536",
          "--tmpfs",
          "/dev/shm",
          "--ro-bind-data",
          fmt::format("{}", kProgramFd),
          "/program.py",
          "--chdir",
          "/tmp",
          "--",
          kPrlimit,
          fmt::format("--as={}", limits.memory_bytes),
          fmt::format("--cpu={}", cpu_seconds),
          "--nproc=8",
          fmt::format("--fsize={}", limits.file_bytes),
          "--nofile=64",
          "--core=0",
          "--",
          kPython,
          "-I",
          "-B",
          "/program.py"};
}

/// The kernel does not bound root's processes, so root becomes nobody first.
bool is_nobody_now() {
  return ::geteuid() != 0 ||
         (::setgroups(0, nullptr) == 0 && ::setresgid(kNobody, kNobody, kNobody) == 0 &&
          ::setresuid(kNobody, kNobody, kNobody) == 0);
}

/// Between fork and exec: only calls that are safe there. The environment is empty, because that of
/// bubblewrap itself can be read inside.
[[noreturn]] void become(char* const* arguments, int program, int verdict) {
  ::setpgid(0, 0);
  const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  const bool is_ready =
      nothing >= 0 && ::dup2(nothing, 0) == 0 && ::dup2(nothing, 1) == 1 &&
      ::dup2(nothing, 2) == 2 && ::dup2(program, kProgramFd) == kProgramFd &&
      ::dup2(verdict, kVerdictFd) == kVerdictFd && ::close_range(3, kProgramFd - 1, 0) == 0 &&
      ::close_range(kVerdictFd + 1, ~0U, 0) == 0 && ::chdir("/") == 0 && is_nobody_now();
  if (is_ready) {
    char* const no_environment[] = {nullptr};
    ::execve(arguments[0], arguments, no_environment);
  }
  ::_exit(127);
}

pid_t start(const std::vector<std::string>& command, const Fd& program, const Fd& verdict) {
  std::vector<char*> arguments;
  for (const std::string& word : command) {
    arguments.push_back(const_cast<char*>(word.c_str()));
  }
  arguments.push_back(nullptr);
  const pid_t child = ::fork();
  if (child < 0) {
    raise_system("a process for a program");
  }
  if (child == 0) {
    become(arguments.data(), program.get(), verdict.get());
  }
  return child;
}

/// Ends bubblewrap and, with it, its whole process namespace.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) {}
  ~Child() {
    if (!is_waited_) {
      ::kill(-pid_, SIGKILL);
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// The status once the process has ended.
  std::optional<int> ended() {
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) != pid_) {
      return std::nullopt;
    }
    is_waited_ = true;
    return status;
  }

 private:
  pid_t pid_;
  bool is_waited_ = false;
};

bool has_reached_end(int fd) {
  char byte = 0;
  return ::read(fd, &byte, 1) == 1 && byte == kReachedEnd;
}

/// Numbers that the child's fixed ones cannot collide with.
Fd above_fixed(Fd fd) {
  return Fd(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 20));
}

CodeVerdict run(std::string_view program, const SandboxLimits& limits) {
  const Fd file = above_fixed(program_file(program));
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) {
    raise_system("a pipe for a program");
  }
  const Fd verdict = above_fixed(Fd(ends[0]));
  Fd report = above_fixed(Fd(ends[1]));
  Child child(start(command_line(limits), file, report));
  report.close();
  const auto deadline = Clock::now() + limits.wall;
  for (;;) {
    if (const auto status = child.ended()) {
      const bool is_clean = WIFEXITED(*status) && WEXITSTATUS(*status) == 0;
      return is_clean && has_reached_end(verdict.get()) ? CodeVerdict::kPassed
                                                        : CodeVerdict::kFailed;
    }
    if (Clock::now() >= deadline) {
      return CodeVerdict::kTimedOut;
    }
    cancel_flag().check();
    // The pipe hangs up when the last process that holds it ends.
    pollfd waiting{verdict.get(), 0, 0};
    ::poll(&waiting, 1, static_cast<int>(kPollStep.count()));
    if ((waiting.revents & POLLHUP) != 0) {
      ::poll(nullptr, 0, 1);
    }
  }
}

std::optional<std::string> find_problem() {
  for (const char* tool : {kBubblewrap, kPrlimit, kPython}) {
    if (::access(tool, X_OK) != 0) {
      return fmt::format("{} is missing (Debian: bubblewrap, util-linux, python3)", tool);
    }
  }
  SandboxLimits limits;
  limits.wall = milliseconds{20'000};  // of a busy machine
  if (run("", limits) != CodeVerdict::kPassed) {
    return "bubblewrap cannot make its namespaces here (see: bwrap --unshare-all --ro-bind / / "
           "true)";
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> sandbox_problem() {
  static const std::optional<std::string> problem = find_problem();
  return problem;
}

CodeVerdict run_in_sandbox(std::string_view program, const SandboxLimits& limits) {
  if (const auto problem = sandbox_problem()) {
    raise(ErrorCode::kUnsupported, "generated code is not run without a sandbox: {}", *problem);
  }
  return run(program, limits);
}

}  // namespace nibble::eval
