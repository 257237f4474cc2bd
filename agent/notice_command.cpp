// SPDX-License-Identifier: Apache-2.0
#include "agent/notice_command.h"

#include <iostream>

#include <CLI/CLI.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/configuration.h"
#include "agent/handler_context.h"
#include "agent/reinstall_command.h"
#include "agent/restored_machine.h"
#include "base/format.h"
#include "platform/linux/child_process.h"
#include "platform/linux/directory_store.h"
#include "restore/machine.h"

namespace stillpoint {
namespace {

using linux_os::DirectoryStore;

/// pam_motd shows what lies here, and it is gone after a restart. Source: pam_motd(8).
constexpr const char* kMotdFolder = "/run/motd.d";
constexpr const char* kMotdName = "stillpoint";
constexpr const char* kMotdPath = "/run/motd.d/stillpoint";

/// The machine on which everything was brought back.
constexpr const char* kDoneName = "reinstalled_on";

bool is_done(const MachineName& machine) {
    const auto folder = DirectoryStore::open(kDurableFolder);
    const auto text = folder ? folder->read(kDoneName, 4096) : Result<std::string>(folder.error());
    return text && !machine.product_uuid.empty() && *text == machine.product_uuid;
}

void write_motd(const std::string& text) {
    (void)::mkdir(kMotdFolder, 0755);
    auto folder = DirectoryStore::open(kMotdFolder);
    if (folder && folder->replace(kMotdName, text)) {
        (void)::chmod(kMotdPath, 0644);
    } else {
        std::cout << "stillpoint: the message of the day cannot be written, going on\n";
    }
}

int notice() {
    const FoundPassport passport = find_passport("", "");
    const MachineName machine = this_machine();
    const MachineVerdict verdict = passport.point ? judge_machine(passport.point->machine, machine)
                                                  : MachineVerdict{std::nullopt, passport.problem};
    const bool speaks = verdict.restored.value_or(false) && !is_done(machine) &&
                        !passport.point->encryption.volumes.empty();
    if (!speaks) {
        (void)::unlink(kMotdPath);
        return 0;
    }
    if (load_configuration().ours.reinstall_at_boot) {
        std::cout << "stillpoint: " << verdict.finding << "; bringing its disks back\n"
                  << std::flush;
        return reinstall_now();
    }
    const std::string text = fmt::format(
        "stillpoint: {}. Its encrypted data disks may be closed: '{} reinstall' says what is to be "
        "done, and does it with --apply.\n",
        verdict.finding, linux_os::own_program());
    std::cout << text << std::flush;
    write_motd(text);
    return 0;
}

}  // namespace

void end_notice() {
    (void)::unlink(kMotdPath);
    auto folder = DirectoryStore::open(kDurableFolder);
    if (const MachineName machine = this_machine(); folder && !machine.product_uuid.empty()) {
        // At worst it is said once more.
        (void)folder->replace(kDoneName, machine.product_uuid);
    }
}

void add_notice_command(CLI::App& app, int& exit_code) {
    CLI::App* command = app.add_subcommand("notice", "tells whether this machine was restored");
    command->group("");  // nobody's to call
    command->callback([&exit_code] { exit_code = notice(); });
}

}  // namespace stillpoint
