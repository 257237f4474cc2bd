// SPDX-License-Identifier: Apache-2.0
#include "encryption/detached_headers.h"

#include <algorithm>
#include <set>

#include "base/format.h"
#include "encryption/volume_facts.h"

namespace stillpoint {

DetachedHeaders::DetachedHeaders(const EncryptionSources& sources, const EncryptionHeaders& headers,
                                 std::vector<std::string>& gaps) {
    std::set<std::string> named;
    for (const FoundFile& file : sources.named_headers) {
        named.insert(file.path);
    }
    std::vector<FoundFile> files = sources.named_headers;
    std::ranges::copy_if(sources.header_files, std::back_inserter(files),
                         [&](const FoundFile& file) { return !named.contains(file.path); });
    for (const FoundFile& file : files) {
        Result<std::optional<EncryptionHeader>> header = headers.read({.path = file.read_path});
        if (header && *header) {
            headers_.push_back({file, std::move(**header)});
            continue;
        }
        EncryptionHeader nothing;
        nothing.state = header ? HeaderState::damaged : HeaderState::not_understood;
        nothing.problem = header ? fmt::format("'{}' ought to be a header and is none", file.path)
                                 : header.error().sentence();
        gaps.push_back(nothing.problem);
        headers_.push_back({file, std::move(nothing), false});
    }
}

const DetachedHeader* DetachedHeaders::find(const std::string& named, const std::string& mapper,
                                            const BlockDevice* opened) const {
    const auto by_path = [&](const std::string& path) -> const DetachedHeader* {
        const auto found = std::ranges::find_if(
            headers_, [&](const DetachedHeader& one) { return one.file.path == path; });
        return found == headers_.end() ? nullptr : &*found;
    };
    if (!named.empty()) {
        return by_path(named);
    }
    if (mapper.empty()) {
        return nullptr;
    }
    std::vector<std::string> paths;
    if (mapper == "osencrypt") {
        paths = {"/boot/luks/osluksheader", "/boot/osluksheader", "/osluksheader"};
    }
    paths.push_back(fmt::format("{}/azureluksheader{}", kAzureConfigFolder, mapper));
    const DetachedHeader* unrecognised = nullptr;
    for (const std::string& path : paths) {
        const DetachedHeader* found = by_path(path);
        if (found != nullptr && found->recognised) {
            return found;
        }
        unrecognised = unrecognised == nullptr ? found : unrecognised;
    }
    const auto same = std::ranges::find_if(headers_, [&](const DetachedHeader& one) {
        return opened != nullptr && is_of_uuid(*opened, one.header.uuid) == true;
    });
    return same == headers_.end() ? unrecognised : &*same;
}

}  // namespace stillpoint
