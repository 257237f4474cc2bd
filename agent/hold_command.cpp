// SPDX-License-Identifier: Apache-2.0
#include "agent/hold_command.h"

#include <charconv>
#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>
#include <unistd.h>

#include "agent/evidence_json.h"
#include "agent/hold_action.h"
#include "base/format.h"
#include "platform/linux/freeze_still_point.h"
#include "platform/linux/guard/rescuer.h"
#include "platform/linux/guard_process.h"
#include "platform/linux/linux_inventory.h"
#include "platform/linux/system_clock.h"
#include "snapshot/plan.h"

namespace stillpoint {
namespace {

using namespace std::chrono_literals;

constexpr auto kStaleLimit = 5s;

enum ExitCode {
    exit_held = 0,
    exit_not_held = 1,
    exit_usage = 2,
    exit_broken = 3,
    exit_action_failed = 4
};

struct HoldOptions {
    std::vector<std::string> only;
    bool all = false;
    std::vector<std::string> skip;
    std::vector<std::string> only_devices;
    std::string span;
    bool until_eof = false;
    std::vector<std::string> command;
    std::string limit = "20s";
    bool no_rehearsal = false;
    bool keep_going = false;
    bool json = false;
};

int complain(const Error& error) {
    std::cerr << "stillpoint: " << error.sentence() << '\n';
    return error.code() == Code::usage || error.code() == Code::mount_unknown ||
                   error.code() == Code::privilege_missing
               ? exit_usage
               : exit_not_held;
}

/// "2s", "500ms", "1.5s", "1m".
Result<std::chrono::milliseconds> parse_span(const std::string& text, std::string_view option) {
    double number = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    const std::string_view unit(parsed.ptr,
                                static_cast<std::size_t>(text.data() + text.size() - parsed.ptr));
    const double factor = unit == "ms" ? 1 : unit == "s" ? 1000 : unit == "m" ? 60'000 : 0;
    const double ms = number * factor;
    if (parsed.ec != std::errc() || !(ms >= 1 && ms <= 3'600'000)) {
        return fail(Code::usage,
                    fmt::format("{} '{}': expected a time such as 2s, 500ms or 1m, at most 1 h",
                                option, text));
    }
    return std::chrono::milliseconds(static_cast<long>(ms));
}

Result<HoldSelection> selection_of(const HoldOptions& options) {
    if (options.all == !options.only.empty()) {
        return fail(Code::usage,
                    "say what to hold: --only MOUNT, or --all for every filesystem, root too");
    }
    HoldSelection selection{.luns = {},
                            .only_mounts = options.only,
                            .skip_mounts = options.skip,
                            .only_devices = std::nullopt};
    for (const std::string& text : options.only_devices) {
        const auto number = parse_device_number(text);
        if (!number) {
            return fail(Code::usage,
                        fmt::format("--only-devices '{}': expected MAJOR:MINOR", text));
        }
        selection.only_devices = selection.only_devices.value_or(std::vector<DeviceNumber>());
        selection.only_devices->push_back(*number);
    }
    return selection;
}

Result<std::unique_ptr<HoldAction>> action_of(const HoldOptions& options,
                                              std::chrono::milliseconds limit) {
    const int named = !options.span.empty() + options.until_eof + !options.command.empty();
    if (named != 1) {
        return fail(Code::usage, "say for how long: --for 2s, --until-eof or -- COMMAND");
    }
    if (options.until_eof) {
        return hold_until_eof();
    }
    if (!options.command.empty()) {
        return hold_while_running(options.command);
    }
    const Result<std::chrono::milliseconds> span = parse_span(options.span, "--for");
    if (!span) {
        return span.error();
    }
    if (*span >= limit) {
        return fail(
            Code::usage,
            fmt::format("--for {} is not below the limit of {} ms, at which everything is let go: "
                        "raise --limit",
                        options.span, limit.count()));
    }
    return hold_for(*span);
}

Result<GuestPlan> plan_of(const HoldOptions& options, std::chrono::milliseconds limit) {
    const Result<HoldSelection> selection = selection_of(options);
    if (!selection) {
        return selection.error();
    }
    const Result<Inventory> inventory = linux_os::LinuxInventory().read();
    if (!inventory) {
        return inventory.error();
    }
    Result<GuestPlan> plan = plan_hold(*inventory, *selection);
    if (plan) {
        plan->hold.limit = limit;
        plan->hold.rehearse = !options.no_rehearsal;
        plan->hold.all_or_nothing = !options.keep_going;
    }
    return plan;
}

int hold(const HoldOptions& options) {
    if (::geteuid() != 0) {
        return complain(fail(Code::privilege_missing, "freezing filesystems needs root"));
    }
    catch_stop_signals();
    // What an earlier hold may have left would look like somebody else's freeze.
    (void)linux_os::thaw_stale({}, kStaleLimit);
    const Result<std::chrono::milliseconds> limit = parse_span(options.limit, "--limit");
    if (!limit) {
        return complain(limit.error());
    }
    const Result<GuestPlan> plan = plan_of(options, *limit);
    if (!plan) {
        return complain(plan.error());
    }
    const Result<std::unique_ptr<HoldAction>> action = action_of(options, *limit);
    if (!action) {
        return complain(action.error());
    }
    const linux_os::SystemClock clock;
    Log log(clock);
    linux_os::FreezeStillPoint still_point(log, linux_os::guard_program());
    const HoldEvidence evidence =
        still_point.hold(plan->hold, [&](Deadline deadline) { (*action)->run(deadline); });
    const Result<void> finished = (*action)->finish();

    std::cout << (options.json ? evidence_json(*plan, evidence)
                               : evidence_text(*plan, evidence, !options.all))
              << std::flush;
    if (evidence.not_held) {
        return complain(*evidence.not_held);
    }
    if (!evidence.held_throughout() || !evidence.stuck.empty()) {
        std::cerr << "stillpoint: not everything was held for the whole time\n";
        return exit_broken;
    }
    if (!finished) {
        (void)complain(finished.error());
        return exit_action_failed;
    }
    return exit_held;
}

int thaw_stale_now() {
    const linux_os::StaleReport report = linux_os::thaw_stale({}, 20s);
    for (const std::string& problem : report.problems) {
        std::cerr << "stillpoint: " << problem << '\n';
    }
    for (const std::string& mount : report.stuck) {
        std::cerr << "stillpoint: cannot let go '" << mount << "'\n";
    }
    std::cout << fmt::format("left behind: {}, filesystems let go: {}, holds that go on: {}\n",
                             report.ledgers, report.thawed, report.live);
    return report.stuck.empty() && report.problems.empty() ? 0 : 1;
}

}  // namespace

void add_hold_commands(CLI::App& app, int& exit_code) {
    const auto options = std::make_shared<HoldOptions>();
    CLI::App* command =
        app.add_subcommand("hold", "hold filesystems still, for a time or while a command runs");
    // One value each, though people may give several: main spreads them.
    command->add_option("--only", options->only, "mount points to hold")
        ->type_name("MOUNT...")
        ->allow_extra_args(false);
    command->add_flag("--all", options->all, "hold every filesystem that a backup would hold");
    command->add_option("--skip", options->skip, "mount points to leave out")
        ->type_name("MOUNT...")
        ->allow_extra_args(false);
    command->add_option("--for", options->span, "how long: 2s, 500ms")->type_name("TIME");
    command->add_flag("--until-eof", options->until_eof, "until standard input ends");
    command->add_option("COMMAND", options->command, "run this while held (after --)");
    command->add_option("--limit", options->limit, "let go after this time whatever happens")
        ->type_name("TIME")
        ->capture_default_str();
    command->add_flag("--no-rehearsal", options->no_rehearsal,
                      "freeze at once, without trying each first");
    command->add_flag("--keep-going", options->keep_going,
                      "hold what can be held although something cannot");
    command
        ->add_option("--only-devices", options->only_devices,
                     "guard rail: freeze nothing outside these device numbers (as in mountinfo)")
        ->delimiter(',')
        ->allow_extra_args(false)
        ->type_name("MAJ:MIN");
    command->add_flag("--json", options->json, "print the evidence as JSON");
    command->callback([options, &exit_code] { exit_code = hold(*options); });

    CLI::App* stale = app.add_subcommand("thaw-stale", "let go of what a dead hold left frozen");
    stale->callback([&exit_code] {
        exit_code = ::geteuid() == 0
                        ? thaw_stale_now()
                        : complain(fail(Code::privilege_missing, "thawing filesystems needs root"));
    });
}

}  // namespace stillpoint
