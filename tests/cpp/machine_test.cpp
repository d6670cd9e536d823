#include "core/machine.h"

#include <filesystem>
#include <fstream>
#include <string>

#include "check.h"

namespace {

using namespace tatami;
namespace fs = std::filesystem;

// A directory that stands in for the root of the file system.
class FakeRoot {
  public:
    FakeRoot() {
        std::string name = (fs::temp_directory_path() / "tatami-XXXXXX").string();
        CHECK(mkdtemp(name.data()));
        path_ = name;
    }
    ~FakeRoot() { fs::remove_all(path_); }
    FakeRoot(const FakeRoot&) = delete;
    FakeRoot& operator=(const FakeRoot&) = delete;

    void write(const std::string& file, const std::string& text) const {
        fs::create_directories((path_ / file).parent_path());
        std::ofstream(path_ / file) << text << "\n";
    }
    int cores() const { return machine::cores(path_.string()); }
    int64_t memory() const { return machine::memory_bytes(path_.string()); }

  private:
    fs::path path_;
};

constexpr int64_t kSmall = 64 << 20;  // less memory than any machine has

void test_no_control_groups() {
    const FakeRoot root;
    CHECK(root.cores() >= machine::cores());
    CHECK(root.memory() >= machine::memory_bytes());
}

void test_version_2() {
    const FakeRoot root;
    const int all = root.cores();
    root.write("proc/self/cgroup", "0::/user/job");
    root.write("sys/fs/cgroup/user/job/cpu.max", "max 100000");
    root.write("sys/fs/cgroup/user/job/memory.max", "max");
    CHECK(root.cores() == all);
    CHECK(root.memory() > kSmall);
    root.write("sys/fs/cgroup/user/job/cpu.max", "199999 100000");
    CHECK(root.cores() == 1);
    root.write("sys/fs/cgroup/user/job/cpu.max", "50000 100000");
    CHECK(root.cores() == 1);
    root.write("sys/fs/cgroup/user/job/cpu.max", "100000000 100000");
    CHECK(root.cores() == all);
    root.write("sys/fs/cgroup/user/cpu.max", "100000 100000");  // a parent's limit holds as well
    CHECK(root.cores() == 1);
    root.write("sys/fs/cgroup/memory.max", std::to_string(kSmall));
    CHECK(root.memory() == kSmall);
}

void test_version_1() {
    const FakeRoot root;
    const int all = root.cores();
    root.write("proc/self/cgroup", "5:cpuset:/x\n4:cpu,cpuacct:/docker/a\n3:memory:/docker/a");
    root.write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1");
    root.write("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000");
    CHECK(root.cores() == all);
    root.write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "150000");  // only the mount's root is visible
    CHECK(root.cores() == 1);
    root.write("sys/fs/cgroup/memory/docker/a/memory.limit_in_bytes", std::to_string(kSmall));
    CHECK(root.memory() == kSmall);
}

}  // namespace

int main() {
    test_no_control_groups();
    test_version_2();
    test_version_1();
    std::puts("machine: passed");
}
