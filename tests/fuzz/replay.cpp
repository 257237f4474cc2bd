// SPDX-License-Identifier: Apache-2.0
// Stands in for libFuzzer where there is none: feeds the target every file of the folders that are
// named, and fails when there is no file at all. libFuzzer's options are not looked at.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

std::vector<std::filesystem::path> files_in(const std::filesystem::path& folder) {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
        if (entry.is_regular_file()) {
            files.push_back(entry.path());
        }
    }
    std::ranges::sort(files);
    return files;
}

void replay(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        std::fprintf(stderr, "cannot read %s\n", path.c_str());
        std::exit(1);
    }
    std::printf("%s\n", path.c_str());
    (void)std::fflush(stdout);  // the name of the input that kills the target must be seen
    const std::string text((std::istreambuf_iterator<char>(file)),
                           std::istreambuf_iterator<char>());
    // Without a byte behind its end, so that the sanitizer sees a read past it.
    std::vector<std::uint8_t> exact(text.begin(), text.end());
    exact.shrink_to_fit();
    (void)LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

}  // namespace

int main(int count, char** arguments) {
    std::size_t replayed = 0;
    for (int at = 1; at < count; ++at) {
        if (arguments[at][0] == '-') {
            continue;
        }
        for (const std::filesystem::path& path : files_in(arguments[at])) {
            replay(path);
            ++replayed;
        }
    }
    std::printf("%zu inputs\n", replayed);
    return replayed == 0 ? 1 : 0;
}
