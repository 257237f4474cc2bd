// SPDX-License-Identifier: Apache-2.0
#include "agent/reinstall_command.h"

#include <csignal>
#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>
#include <unistd.h>

#include "agent/handler_context.h"
#include "agent/notice_command.h"
#include "agent/restored_machine.h"
#include "agent/worker_lock.h"
#include "base/format.h"
#include "platform/linux/crypt/linux_encryption_headers.h"
#include "platform/linux/directory_store.h"
#include "platform/linux/guard/boottime.h"
#include "platform/linux/restore/linux_restore_system.h"
#include "platform/linux/restore/root_paths.h"
#include "restore/machine.h"
#include "restore/reinstall.h"

namespace stillpoint {
namespace {

struct ReinstallOptions {
    bool apply = false;
    std::optional<std::string> root;
    std::vector<std::string> devices;
    std::string passport;
    bool json = false;
    RestoreChoices choices;
};

constexpr int kUsage = 2;

int complain(const Error& error, int exit_code) {
    std::cerr << "stillpoint: " << error.sentence() << '\n';
    return exit_code;
}

Result<void> read_devices(ReinstallOptions& options) {
    for (const std::string& text : options.devices) {
        const std::size_t equals = text.find('=');
        if (equals == std::string::npos || equals == 0 || text[equals + 1] != '/') {
            return fail(Code::usage,
                        fmt::format("--device '{}': expected VOLUME=PATH, the name that the volume "
                                    "is opened under and an absolute path",
                                    text));
        }
        options.choices.devices[text.substr(0, equals)] = text.substr(equals + 1);
    }
    return {};
}

StaleState stale_state_of(const RestoreCase& restore, const MachineName& backed_up) {
    StateOwner owner{.restored = std::nullopt, .then = backed_up.identity, .now = ""};
    if (restore.root.empty()) {
        // By the newest backup: after one of this machine the memory is its own.
        owner.restored = judge_machine(backed_up, restore.machine).restored;
        owner.now = restore.machine.identity;
    }
    StateReset reset = stale_state_below(restore.root, owner);
    return {std::move(reset.to_remove), std::move(reset.undecided)};
}

Result<RestoreCase> case_of(ReinstallOptions& options) {
    if (Result<void> read = read_devices(options); !read) {
        return read.error();
    }
    RestoreCase restore;
    if (options.root) {
        Result<std::string> root = linux_os::read_root_folder(*options.root);
        if (!root) {
            return root.error();
        }
        restore.root = *std::move(root);
    }
    FoundPassport passport = find_passport(restore.root, options.passport);
    if (!options.passport.empty() && !passport.point) {
        return fail(Code::usage, passport.problem);
    }
    restore.point = std::move(passport.point);
    restore.point_problem = std::move(passport.problem);
    restore.machine = this_machine();
    restore.choices = options.choices;
    restore.stale_state = [about = restore, newest = passport.newest.value_or(MachineName{})] {
        return stale_state_of(about, newest);
    };
    return restore;
}

/// A signal that asks us to end waits until the step at hand is done: then all is taken back.
void hold_stop_signals() {
    sigset_t set;
    ::sigemptyset(&set);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) {
        ::sigaddset(&set, signal);
    }
    (void)::pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

bool stop_was_asked() {
    sigset_t waiting;
    return ::sigpending(&waiting) == 0 &&
           (::sigismember(&waiting, SIGINT) == 1 || ::sigismember(&waiting, SIGTERM) == 1 ||
            ::sigismember(&waiting, SIGHUP) == 1);
}

/// Never beside another one like us; on this system's own root never beside a backup either.
Result<WorkerLock> take_lock(const std::string& root) {
    using linux_os::DirectoryStore;
    constexpr auto kLockLimit = std::chrono::seconds(5);
    const char* folder = root.empty() ? kDurableFolder : "/run/stillpoint";
    if (auto made = DirectoryStore::open(folder, DirectoryStore::Missing::created); !made) {
        return made.error();
    }
    Result<WorkerLock> lock = WorkerLock::take(folder, linux_os::boottime_now() + kLockLimit);
    return lock ? std::move(lock)
                : fail(Code::another_backup_runs,
                       "a backup or another 'reinstall' is at work on this machine")
                      .caused_by(lock.error());
}

Result<ReinstallResult> apply(const RestoreCase& restore, RestoreLook& look,
                              linux_os::LinuxRestoreSystem& system,
                              const std::function<void(const std::string&)>& tell) {
    const Result<WorkerLock> lock = take_lock(restore.root);
    if (!lock) {
        return lock.error();
    }
    hold_stop_signals();
    return apply_reinstall(restore, look, system, tell, stop_was_asked);
}

int reinstall(ReinstallOptions& options) {
    if (::geteuid() != 0) {
        return complain(fail(Code::privilege_missing, "looking at disks needs root"), kUsage);
    }
    Result<RestoreCase> restore = case_of(options);
    if (!restore) {
        return complain(restore.error(), kUsage);
    }
    const auto tell = [&](const std::string& sentence) { std::cerr << sentence << '\n'; };
    linux_os::LinuxRestoreSystem system(restore->root, stop_was_asked);
    const linux_os::LinuxEncryptionHeaders headers;
    RestoreLook look(system, headers, tell);
    const Result<ReinstallResult> result =
        options.apply ? apply(*restore, look, system, tell) : preview_reinstall(*restore, look);
    if (!result) {
        return complain(result.error(), 1);
    }
    std::cout << (options.json ? reinstall_json(*result) : reinstall_text(*result)) << std::flush;
    if (options.apply && restore->root.empty() && exit_code_of(*result) == 0) {
        end_notice();
    }
    return exit_code_of(*result);
}

}  // namespace

int reinstall_now() {
    ReinstallOptions options;
    options.apply = true;
    return reinstall(options);
}

void add_reinstall_command(CLI::App& app, int& exit_code) {
    const auto options = std::make_shared<ReinstallOptions>();
    CLI::App* command =
        app.add_subcommand("reinstall", "bring the encrypted disks of a restored machine back");
    command->add_flag("--apply", options->apply,
                      "do it; without this, only say what would be done");
    command
        ->add_option("--root", options->root, "the root below this folder, from a repair machine")
        ->type_name("DIR");
    command->add_option("--device", options->devices, "which device a volume is on")
        ->type_name("VOLUME=PATH")
        ->allow_extra_args(false);
    command->add_option("--passport", options->passport, "the recovery point's passport")
        ->type_name("FILE");
    command->add_flag("--repair-headers", options->choices.repair_headers,
                      "write the good copy of a header over a damaged one");
    command->add_flag("--rename-volume-groups", options->choices.rename_volume_groups,
                      "rename a volume group that is here twice");
    command->add_flag("--replay-journals", options->choices.replay_journals,
                      "mount filesystems whose journal holds more than a freeze leaves");
    command->add_flag(
        "--reset-identity", options->choices.reset_identity,
        "forget the machine that was backed up where nothing tells whether this is it");
    command->add_flag("--json", options->json, "print plan and result as JSON");
    command->callback([options, &exit_code] { exit_code = reinstall(*options); });
}

}  // namespace stillpoint
