// SPDX-License-Identifier: Apache-2.0
#include "agent/encryption_command.h"

#include <algorithm>
#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>
#include <unistd.h>

#include "agent/key_trials.h"
#include "agent/machine_survey.h"
#include "base/format.h"
#include "encryption/survey_json.h"
#include "platform/linux/crypt/linux_encryption_headers.h"

namespace stillpoint {
namespace {

enum ExitCode { exit_told = 0, exit_gaps = 1, exit_usage = 2, exit_no_key = 3 };

struct EncryptionOptions {
    bool json = false;
    bool verify_keys = false;
    std::vector<std::string> key_files;
    std::string root = "/";
    std::vector<std::string> places;
};

int complain(const Error& error) {
    std::cerr << "stillpoint: " << error.sentence() << '\n';
    return error.code() == Code::usage || error.code() == Code::privilege_missing ? exit_usage
                                                                                  : exit_gaps;
}

/// What the headers of these devices and files say, nothing else asked.
EncryptionSurvey survey_places(const std::vector<std::string>& places,
                               const EncryptionHeaders& headers) {
    EncryptionSurvey survey;
    for (const std::string& path : places) {
        Result<std::optional<EncryptionHeader>> header = headers.read({.path = path});
        if (!header) {
            survey.gaps.push_back(header.error().sentence());
        } else if (!*header) {
            survey.notes.push_back(fmt::format("'{}' says nowhere that it is encrypted", path));
        } else {
            EncryptedVolume volume;
            volume.device = volume.device_path = path;
            volume.header = std::move(**header);
            survey.volumes.push_back(std::move(volume));
        }
    }
    return survey;
}

Result<EncryptionSurvey> survey_of(const EncryptionOptions& options,
                                   const EncryptionHeaders& headers) {
    if (!options.places.empty()) {
        return survey_places(options.places, headers);
    }
    if (::geteuid() != 0) {
        return fail(Code::privilege_missing, "reading the disks needs root");
    }
    return survey_machine(options.root);
}

int print(const EncryptionOptions& options) {
    if (!options.key_files.empty() && !options.verify_keys) {
        return complain(fail(Code::usage, "--key-file goes with --verify-keys"));
    }
    const linux_os::LinuxEncryptionHeaders headers;
    const Result<EncryptionSurvey> survey = survey_of(options, headers);
    if (!survey) {
        return complain(survey.error());
    }
    std::vector<KeyCheck> checks;
    if (options.verify_keys) {
        checks = try_keys(*survey, headers, options.key_files, options.root);
    }
    if (options.json) {
        std::cout << (options.verify_keys ? key_checks_json(*survey, checks)
                                          : render_survey(*survey))
                  << '\n';
    } else {
        std::cout << survey_text(*survey) << key_checks_text(checks);
    }
    std::cout << std::flush;
    if (std::ranges::any_of(checks, [](const KeyCheck& check) { return !check.error.empty(); })) {
        return exit_no_key;
    }
    return survey->gaps.empty() ? exit_told : exit_gaps;
}

}  // namespace

void add_encryption_command(CLI::App& app, int& exit_code) {
    const auto options = std::make_shared<EncryptionOptions>();
    CLI::App* command =
        app.add_subcommand("encryption", "what is encrypted on this machine, and whether keys fit");
    command->add_option("DEVICE", options->places,
                        "only what the headers of these devices or image files say");
    command->add_flag("--json", options->json, "print JSON, as a passport holds it");
    command->add_flag("--verify-keys", options->verify_keys,
                      "try the key files at hand; nothing is opened or written");
    command
        ->add_option("--key-file", options->key_files, "with --verify-keys: try this file instead")
        ->allow_extra_args(false)
        ->type_name("FILE");
    command->add_option("--root", options->root, "where the root of another system is mounted")
        ->type_name("DIR")
        ->capture_default_str();
    command->callback([options, &exit_code] { exit_code = print(*options); });
}

}  // namespace stillpoint
