// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <exception>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "agent/encryption_command.h"
#include "agent/handler_commands.h"
#include "agent/hold_command.h"
#include "agent/inspect_command.h"
#include "agent/notice_command.h"
#include "agent/process.h"
#include "agent/reinstall_command.h"
#include "handlers/explain.h"

namespace {

void add_explain_command(CLI::App& app, int& exit_code) {
    const auto code = std::make_shared<std::string>();
    CLI::App* command = app.add_subcommand("explain", "what an error code means and what to do");
    command
        ->add_option("CODE", *code,
                     "a published number, its name, a code from the log or of the service")
        ->required();
    command->callback([code, &exit_code] {
        const stillpoint::Result<std::string> text = stillpoint::explain(*code);
        if (!text) {
            std::cerr << "stillpoint: " << text.error().sentence() << '\n';
            exit_code = 2;
            return;
        }
        std::cout << *text;
    });
}

/// `--only /a /b` as `--only /a --only /b`. CLI11 knows options that take many values, but such a
/// one swallows the "--" that ends it, and with it the border to COMMAND.
std::vector<std::string> spread_lists(int argc, char** argv) {
    std::vector<std::string> words(argv + 1, argv + argc);
    const auto end = std::ranges::find(words, "--");
    std::vector<std::string> spread;
    std::string list;
    for (auto word = words.begin(); word != end; ++word) {
        const bool value = !word->starts_with('-');
        if (value && !list.empty() && spread.back() != list) {
            spread.push_back(list);
        }
        spread.push_back(*word);
        if (!value) {
            list = *word == "--only" || *word == "--skip" ? *word : "";
        }
    }
    spread.insert(spread.end(), end, words.end());
    // CLI11 takes them from the back.
    std::ranges::reverse(spread);
    return spread;
}

int run(int argc, char** argv) {
    CLI::App app{"Stillpoint: in-guest VM backup extension agent", "stillpoint"};
    app.require_subcommand(1);
    int exit_code = 0;
    add_explain_command(app, exit_code);
    stillpoint::add_hold_commands(app, exit_code);
    stillpoint::add_encryption_command(app, exit_code);
    stillpoint::add_handler_commands(app, exit_code);
    stillpoint::add_notice_command(app, exit_code);
    stillpoint::add_reinstall_command(app, exit_code);
    stillpoint::add_inspect_command(app, exit_code);
    try {
        app.parse(spread_lists(argc, argv));
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    return exit_code;
}

}  // namespace

int main(int argc, char** argv) {
    stillpoint::prepare_process();
    try {
        return run(argc, argv);
    } catch (const std::exception& error) {
        std::cerr << "stillpoint: " << error.what() << '\n';
    }
    return 1;
}
