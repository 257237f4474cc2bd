// SPDX-License-Identifier: Apache-2.0
#include "agent/handler_commands.h"

#include <array>
#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>

#include "agent/disable.h"
#include "agent/enable.h"
#include "agent/handler_context.h"
#include "agent/notice_unit.h"
#include "agent/worker.h"
#include "platform/linux/guard/rescuer.h"
#include "platform/linux/scripts/keeper.h"

namespace stillpoint {
namespace {

using namespace std::chrono_literals;

/// Without it a backup is as good: what went wrong is only said.
void say_if_failed(const Result<void>& done) {
    if (!done) {
        std::cerr << "stillpoint: " << done.error().describe() << '\n';
    }
}

int install() {
    // Fails early, while somebody looks, when the folders cannot be used.
    const Result<HandlerContext> context = HandlerContext::load();
    if (!context) {
        std::cerr << "stillpoint: " << context.error().describe() << '\n';
        return 1;
    }
    say_if_failed(install_notice_unit());
    return 0;
}

int update() {
    say_if_failed(install_notice_unit());
    return 0;
}

int enable_with_notice() {
    say_if_failed(install_notice_unit());
    return enable();
}

int uninstall_with_notice() {
    say_if_failed(remove_notice_unit());
    return uninstall();
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
    CommandRow{"enable", "called by the VM agent: begins a backup", enable_with_notice},
    CommandRow{"update", "called by the VM agent", update},
    CommandRow{"disable", "called by the VM agent", disable},
    CommandRow{"uninstall", "called by the VM agent", uninstall_with_notice},
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
    const auto guest_agent = std::make_shared<std::string>("Unknown");
    worker->add_option("--guest-agent", *guest_agent, "the VM agent's version, for the report");
    worker->callback(
        [sequence, guest_agent, &exit_code] { exit_code = run_worker(*sequence, *guest_agent); });

    const auto socket = std::make_shared<std::string>();
    CLI::App* keeper = app.add_subcommand(kScriptKeeperCommand, "keeps a backup's scripts");
    keeper->group("");
    keeper->add_option("--socket", *socket)->required();
    keeper->callback([socket, &exit_code] { exit_code = linux_os::keep_scripts(*socket); });
}

}  // namespace stillpoint
