#include "machine.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>
#include <thread>

#ifdef __linux__
#include <sched.h>
#endif

namespace tatami::machine {
namespace {

constexpr int64_t kUnlimited = std::numeric_limits<int64_t>::max();

// The path of this process in the v1 hierarchy of `controller`, in the v2 hierarchy when it is "".
// A line of /proc/self/cgroup reads "4:cpu,cpuacct:/path", or "0::/path" for v2.
std::string cgroup_path(const std::string& root, const std::string& controller) {
    std::ifstream file(root + "/proc/self/cgroup");
    for (std::string line; std::getline(file, line);) {
        std::istringstream fields(line);
        std::string id, controllers, path;
        std::getline(std::getline(std::getline(fields, id, ':'), controllers, ':'), path);
        const std::string list = "," + controllers + ",";
        if (list.find("," + controller + ",") != std::string::npos) return path;
    }
    return "/";
}

// The least of read(directory) over a cgroup and all its parents: each of them limits it. Inside a
// container the path is often the host's and only the root of the mount exists.
template <class Read>
int64_t least_of_parents(const std::string& mount, std::string path, Read read) {
    int64_t least = kUnlimited;
    while (true) {
        if (path == "/") path.clear();
        least = std::min(least, read(mount + path + "/"));
        if (path.empty()) return least;
        const size_t slash = path.rfind('/');
        path.resize(slash == std::string::npos ? 0 : slash);
    }
}

// The number in a file; unlimited where there is no file, or "max" or -1 in it.
int64_t read_limit(const std::string& file) {
    int64_t value = -1;
    return std::ifstream(file) >> value && value >= 0 ? value : kUnlimited;
}

int64_t quota_v2(const std::string& directory) {
    std::ifstream file(directory + "cpu.max");
    int64_t quota, period;
    return file >> quota >> period && period > 0 ? quota / period : kUnlimited;
}

int64_t quota_v1(const std::string& directory) {
    const int64_t quota = read_limit(directory + "cpu.cfs_quota_us");
    const int64_t period = read_limit(directory + "cpu.cfs_period_us");
    return quota < kUnlimited && period > 0 ? quota / period : kUnlimited;
}

int64_t memory_v2(const std::string& directory) {
    return read_limit(directory + "memory.max");
}

int64_t memory_v1(const std::string& directory) {
    return read_limit(directory + "memory.limit_in_bytes");
}

template <class ReadV2, class ReadV1>
int64_t cgroup_limit(const std::string& root, const std::string& controller, ReadV2 v2, ReadV1 v1) {
    const std::string mount = root + "/sys/fs/cgroup";
    return std::min(least_of_parents(mount, cgroup_path(root, ""), v2),
                    least_of_parents(mount + "/" + controller, cgroup_path(root, controller), v1));
}

int64_t affinity() {
#ifdef __linux__
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof(set), &set) == 0) return CPU_COUNT(&set);
#endif
    return std::thread::hardware_concurrency();
}

}  // namespace

int cores(const std::string& root) {
    const int64_t allowed = std::min(affinity(), cgroup_limit(root, "cpu", quota_v2, quota_v1));
    return static_cast<int>(std::max<int64_t>(allowed, 1));
}

int64_t memory_bytes(const std::string& root) {
    const int64_t physical = int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGE_SIZE);
    return std::min(physical, cgroup_limit(root, "memory", memory_v2, memory_v1));
}

}  // namespace tatami::machine
