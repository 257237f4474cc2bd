// SPDX-License-Identifier: Apache-2.0
#include "agent/restored_machine.h"

#include <ctime>
#include <functional>

#include <boost/filesystem.hpp>

#include "agent/handler_context.h"
#include "base/format.h"
#include "platform/linux/directory_store.h"
#include "platform/linux/proc_file.h"
#include "platform/linux/restore/root_paths.h"
#include "restore/passport_store.h"
#include "snapshot/passport.h"

namespace stillpoint {
namespace {

namespace fs = boost::filesystem;

constexpr const char* kAgentFolder = "/var/lib/waagent";
constexpr const char* kAzureFolder = "/etc/azure";
constexpr std::size_t kStateBytes = 4096;

/// Of a path inside `root`, and never outside of it.
Result<std::string> read_file(const std::string& root, const std::string& path, std::size_t limit) {
    const Result<std::string> place = linux_os::resolve_in_root(root, path);
    if (!place) {
        return place;
    }
    const std::size_t slash = place->rfind('/');
    const auto folder = linux_os::DirectoryStore::open(slash == 0 ? "/" : place->substr(0, slash));
    return folder ? folder->read(place->substr(slash + 1), limit) : folder.error();
}

Result<Passport> read_passport(const std::string& root, const std::string& path) {
    const Result<std::string> text = read_file(root, path, kMostPassportBytes);
    return text ? parse_passport(*text) : Result<Passport>(text.error());
}

/// In the folder of what outlives the extension's versions.
Result<Passport> kept_passport(const std::string& root) {
    const Result<std::string> place = linux_os::resolve_in_root(root, kDurableFolder);
    const auto folder = place ? linux_os::DirectoryStore::open(*place)
                              : Result<linux_os::DirectoryStore>(place.error());
    return folder ? passport_to_restore(*folder) : Result<Passport>(folder.error());
}

MachineName machine_of(const Passport& passport) {
    return {passport.product_uuid, passport.machine_identity};
}

std::string time_text(WallTime time) {
    const std::time_t seconds = std::chrono::system_clock::to_time_t(
        std::chrono::time_point_cast<std::chrono::system_clock::duration>(time));
    std::tm utc{};
    ::gmtime_r(&seconds, &utc);
    char text[32];
    return {text, std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &utc)};
}

void add_state(const std::string& folder, std::vector<StateText>& files) {
    boost::system::error_code error;
    for (fs::directory_iterator one(folder, error), end; !error && one != end;
         one.increment(error)) {
        const std::string path = one->path().string();
        if (is_state_file(one->path().filename().string())) {
            if (const auto text = read_file("", path, kStateBytes)) {
                files.push_back({path, *text});
            }
        }
    }
}

}  // namespace

FoundPassport find_passport(const std::string& root, const std::string& file) {
    FoundPassport found;
    const std::string newest = fmt::format("{}/{}", kDurableFolder, kPassportFile);
    if (const Result<Passport> passport = read_passport(root, newest)) {
        found.newest = machine_of(*passport);
    }
    std::vector<std::function<Result<Passport>()>> places = {
        [&] { return kept_passport(root); },
        [&] { return read_passport(root, fmt::format("/boot/{}", kBootPassportFile)); }};
    if (!file.empty()) {
        places = {[&] { return read_passport("", fs::absolute(file).string()); }};
    }
    for (const auto& place : places) {
        const Result<Passport> passport = place();
        if (!passport) {
            found.problem += (found.problem.empty() ? "" : "; ") + passport.error().sentence();
            continue;
        }
        found.point =
            PointFacts{machine_of(*passport), time_text(passport->time), survey_in(*passport)};
        found.newest = found.newest ? found.newest : found.point->machine;
        return found;
    }
    return found;
}

MachineName this_machine() {
    MachineName name;
    name.product_uuid = linux_os::read_attribute("/sys/class/dmi/id/product_uuid").value_or("");
    if (const auto xml =
            read_file("", fmt::format("{}/HostingEnvironmentConfig.xml", kAgentFolder), 4U << 20)) {
        name.identity = parse_machine_identity(*xml);
    }
    return name;
}

StateReset stale_state_below(const std::string& root, const StateOwner& owner) {
    std::vector<StateText> files;
    const auto inside = [&](const char* folder) {
        const Result<std::string> place = linux_os::resolve_in_root(root, folder);
        return place ? *place : std::string();
    };
    add_state(inside(kDurableFolder), files);
    add_state(inside(kAzureFolder), files);
    boost::system::error_code error;
    for (fs::directory_iterator one(inside(kAgentFolder), error), end; !error && one != end;
         one.increment(error)) {
        if (fs::is_directory(one->symlink_status())) {
            add_state(one->path().string(), files);
        }
    }
    return reset_stale_state(files, owner);
}

}  // namespace stillpoint
