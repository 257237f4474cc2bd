// SPDX-License-Identifier: Apache-2.0
#include <exception>
#include <iostream>

#include <CLI/CLI.hpp>

#include "agent/process.h"
#include "handlers/explain.h"

namespace {

int run(int argc, char** argv) {
    CLI::App app{"Stillpoint: in-guest VM backup extension agent"};
    app.require_subcommand(1);
    std::string code;
    CLI::App* explain = app.add_subcommand("explain", "what an error code means and what to do");
    explain->add_option("CODE", code, "a published number, its name, or a code from the log")
        ->required();
    CLI11_PARSE(app, argc, argv);

    const stillpoint::Result<std::string> text = stillpoint::explain(code);
    if (!text) {
        std::cerr << "stillpoint: " << text.error().sentence() << '\n';
        return 2;
    }
    std::cout << *text;
    return 0;
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
