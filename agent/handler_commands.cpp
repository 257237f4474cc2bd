// SPDX-License-Identifier: Apache-2.0
#include "agent/handler_commands.h"

#include <array>
#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>

#include "agent/enable.h"
#include "agent/handler_context.h"
#include "agent/worker.h"
#include "agent/worker_lock.h"
#include "platform/linux/guard/boottime.h"
#include "platform/linux/guard/rescuer.h"

namespace stillpoint {
namespace {

using namespace std::chrono_literals;

/// Within the VM agent's 900 s for disable, and longer than any backup takes.
constexpr Instant kBackupLimit = 240s;

int install() {
    // Fails early, while somebody looks, when the folders cannot be used.
    const Result<HandlerContext> context = HandlerContext::load();
    if (!context) {
        std::cerr << "stillpoint: " << context.error().describe() << '\n';
        return 1;
    }
    return 0;
}

/// A backup under way ends before its version is taken away: its guard and its status document must
/// not vanish under it.
int disable() {
    const Result<HandlerContext> context = HandlerContext::load();
    (void)WorkerLock::take(context ? context->durable_folder() : kDurableFolder,
                           linux_os::boottime_now() + kBackupLimit);
    return 0;
}

int nothing_to_do() {
    return 0;
}

struct CommandRow {
    const char* name;
    const char* help;
    int (*run)();
};

/// The five commands of the handler's manifest. State that another version needs is never removed:
/// in an update the old version's uninstall runs after the new one's update.
constexpr std::array kCommands = {
    CommandRow{"install", "called by the VM agent", install},
    CommandRow{"enable", "called by the VM agent: begins a backup", enable},
    CommandRow{"update", "called by the VM agent", nothing_to_do},
    CommandRow{"disable", "called by the VM agent", disable},
    CommandRow{"uninstall", "called by the VM agent", disable},
};

}  // namespace

void add_handler_commands(CLI::App& app, int& exit_code) {
    for (const CommandRow& row : kCommands) {
        CLI::App* command = app.add_subcommand(row.name, row.help);
        command->callback([&row, &exit_code] {
            // Whatever an earlier version, or a machine that was restored, may have left behind.
            (void)linux_os::thaw_stale({}, 5s);
            exit_code = row.run();
        });
    }
    const auto sequence = std::make_shared<int>(0);
    CLI::App* worker = app.add_subcommand("worker", "does the backup that enable began");
    worker->group("");  // nobody's to call
    worker->add_option("--sequence", *sequence)->required();
    worker->callback([sequence, &exit_code] { exit_code = run_worker(*sequence); });
}

}  // namespace stillpoint
