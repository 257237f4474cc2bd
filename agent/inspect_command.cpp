// SPDX-License-Identifier: Apache-2.0
#include "agent/inspect_command.h"

#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/format.h"
#include "inspect/inspect.h"
#include "platform/linux/crypt/linux_encryption_headers.h"
#include "platform/linux/crypt/volume_probe.h"
#include "platform/linux/crypt/xts_decryptor.h"
#include "platform/linux/image_file.h"

namespace stillpoint {
namespace {

enum ExitCode { exit_good = 0, exit_unreadable = 1, exit_usage = 2, exit_problems = 3 };

// What cryptsetup takes from a key file at the most.
constexpr std::uint64_t kMaxKeyBytes = 8U << 20U;

struct InspectOptions {
    std::string image;
    std::vector<std::string> key_files;
    std::vector<std::string> recovery_password_files;
    std::vector<std::string> bek_files;
    std::string header;
    std::optional<int> partition;
    bool json = false;
};

int complain(const Error& error) {
    std::cerr << "stillpoint: " << error.sentence() << '\n';
    return error.code() == Code::usage ? exit_usage : exit_unreadable;
}

Result<Secret> read_key(const std::string& path) {
    const Result<linux_os::ImageFile> file = linux_os::ImageFile::open(path);
    if (!file) {
        return fail(Code::file_unreadable, fmt::format("cannot read the key in '{}'", path))
            .caused_by(file.error());
    }
    if (file->size() == 0 || file->size() > kMaxKeyBytes) {
        return fail(Code::file_unreadable,
                    fmt::format("'{}' holds no key: {} bytes", path, file->size()));
    }
    std::string bytes;
    bytes.reserve(static_cast<std::size_t>(file->size()));
    while (bytes.size() < file->size()) {
        Result<std::string> part =
            file->read(bytes.size(), static_cast<std::size_t>(std::min<std::uint64_t>(
                                         file->size() - bytes.size(), ByteSource::kMaxRead)));
        if (!part) {
            wipe(bytes);
            return part.error();
        }
        bytes += *part;
        wipe(*part);
    }
    return Secret(std::move(bytes));
}

/// A recovery password is typed text: the end of its line is none of it.
Secret without_line_end(const Secret& text) {
    std::string_view line = text.reveal();
    while (line.ends_with('\n') || line.ends_with('\r')) {
        line.remove_suffix(1);
    }
    return Secret(std::string(line));
}

Result<void> add_keys(std::vector<GivenKey>& keys, const std::vector<std::string>& paths,
                      std::string_view what, KeyKind kind) {
    for (const std::string& path : paths) {
        Result<Secret> key = read_key(path);
        if (!key) {
            return key.error();
        }
        keys.push_back(
            {.name = fmt::format("{} '{}'", what, path),
             .kind = kind,
             .key = kind == KeyKind::recovery_password ? without_line_end(*key) : std::move(*key)});
    }
    return {};
}

Result<InspectRequest> request_of(const InspectOptions& options) {
    InspectRequest request{.path = options.image,
                           .keys = {},
                           .header_file = options.header,
                           .partition = options.partition};
    for (const auto& [paths, what, kind] :
         {std::tuple(&options.key_files, "key file", KeyKind::passphrase),
          std::tuple(&options.recovery_password_files, "recovery password",
                     KeyKind::recovery_password),
          std::tuple(&options.bek_files, "BEK", KeyKind::bek_file)}) {
        const Result<void> added = add_keys(request.keys, *paths, what, kind);
        if (!added) {
            return added.error();
        }
    }
    return request;
}

int inspect(const InspectOptions& options) {
    const Result<InspectRequest> request = request_of(options);
    if (!request) {
        return complain(request.error());
    }
    const Result<linux_os::ImageFile> image = linux_os::ImageFile::open(options.image);
    if (!image) {
        return complain(image.error());
    }
    const linux_os::LinuxEncryptionHeaders headers;
    const linux_os::BlkidProbe probe;
    const linux_os::XtsDecryptor decryptor;
    const Result<ImageReport> report = inspect_image(*image, *request, {headers, probe, decryptor});
    if (!report) {
        return complain(report.error());
    }
    std::cout << (options.json ? report_json(*report) : report_text(*report)) << std::flush;
    return problems_of(*report).empty() ? exit_good : exit_problems;
}

}  // namespace

void add_inspect_command(CLI::App& app, int& exit_code) {
    const auto options = std::make_shared<InspectOptions>();
    CLI::App* command = app.add_subcommand(
        "inspect", "read a restored disk image: partitions, encryption, state of filesystems");
    command->add_option("IMAGE", options->image, "a raw image, a fixed VHD or a block device")
        ->required();
    const auto add_files = [&](const char* name, std::vector<std::string>& files,
                               const char* text) {
        command->add_option(name, files, text)->type_name("FILE")->allow_extra_args(false);
    };
    add_files("--key-file", options->key_files,
              "a key or passphrase, the file's bytes as they are; repeat it for more");
    add_files("--recovery-password-file", options->recovery_password_files,
              "BitLocker: a recovery password");
    add_files("--bek", options->bek_files, "BitLocker: a .BEK file");
    command->add_option("--header", options->header, "a detached LUKS header")->type_name("FILE");
    command->add_option("--partition", options->partition, "look at this partition alone")
        ->type_name("N");
    command->add_flag("--json", options->json, "print the report as JSON");
    command->callback([options, &exit_code] { exit_code = inspect(*options); });
}

}  // namespace stillpoint
