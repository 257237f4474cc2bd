// SPDX-License-Identifier: Apache-2.0
#include "encryption/key_urls.h"

#include <algorithm>
#include <charconv>

#include "base/base64.h"
#include "base/json_text.h"

namespace stillpoint {
namespace {

constexpr int kOsDisk = -1;
constexpr int kMostLuns = 256;
constexpr std::size_t kLongestUrl = 2048;

bool same_letters(std::string_view left, std::string_view right) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c; };
    return std::ranges::equal(left, right, {}, lower, lower);
}

/// By name in any case: the platform's own documents differ.
const Json* member(const Json& object, std::string_view name) {
    if (object.is_object()) {
        for (const auto& [key, value] : object.items()) {
            if (same_letters(key, name)) {
                return &value;
            }
        }
    }
    return nullptr;
}

/// An https URL without a query, which might hold a token, or the id of a resource.
std::string url_of(const Json* value) {
    if (value == nullptr || !value->is_string()) {
        return "";
    }
    const auto& text = value->get_ref<const std::string&>();
    const bool plain = std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f'; });
    return plain && text.size() <= kLongestUrl ? text.substr(0, text.find_first_of("?#"))
                                               : std::string();
}

/// {"secretUrl": "https://...", "sourceVault": {"id": "/subscriptions/..."}}, or the URL alone.
void read_key(const Json* key, std::string_view url_name, std::string& url, std::string& vault) {
    if (key == nullptr) {
        return;
    }
    url = key->is_string() ? url_of(key) : url_of(member(*key, url_name));
    if (!url.starts_with("https://")) {
        url.clear();
    }
    const Json* source = member(*key, "sourceVault");
    if (source != nullptr && vault.empty()) {
        vault = source->is_string() ? url_of(source) : url_of(member(*source, "id"));
    }
}

std::optional<int> lun_of(const Json& disk) {
    for (const char* name : {"lun", "diskId"}) {
        const Json* value = member(disk, name);
        std::int64_t lun = kOsDisk - 1;
        if (value != nullptr && value->is_number_integer()) {
            lun = value->get<std::int64_t>();
        } else if (value != nullptr && value->is_string()) {
            const auto& text = value->get_ref<const std::string&>();
            const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), lun);
            lun = error == std::errc() && end == text.data() + text.size() ? lun : kOsDisk - 1;
        }
        if (lun >= kOsDisk && lun < kMostLuns) {
            return static_cast<int>(lun);
        }
    }
    return std::nullopt;
}

void read_disk(const Json& disk, std::vector<DiskKeyUrls>& found) {
    DiskKeyUrls one{lun_of(disk), {}};
    read_key(member(disk, "diskEncryptionKey"), "secretUrl", one.urls.secret, one.urls.vault);
    read_key(member(disk, "keyEncryptionKey"), "keyUrl", one.urls.key_encryption, one.urls.vault);
    if (!one.urls.secret.empty() || !one.urls.key_encryption.empty()) {
        found.push_back(std::move(one));
        return;
    }
    // {"encryptionSettings": [...]} and the like, with or without the disk's place beside it.
    for (const char* name : {"encryptionSettings", "diskEncryptionSettings",
                             "encryptionSettingsCollection", "disks"}) {
        const Json* inner = member(disk, name);
        if (inner == nullptr) {
            continue;
        }
        std::vector<DiskKeyUrls> within;
        if (inner->is_array()) {
            for (const Json& each : *inner) {
                read_disk(each, within);
            }
        } else {
            read_disk(*inner, within);
        }
        for (DiskKeyUrls& each : within) {
            each.lun = each.lun ? each.lun : one.lun;
            found.push_back(std::move(each));
        }
    }
}

/// JSON, or its base64.
Result<Json> parse_settings(std::string_view text) {
    constexpr const char* kWhat = "the encryption settings";
    Result<Json> parsed = parse_json(text, Code::settings_malformed, kWhat);
    if (!parsed) {
        if (const std::optional<std::string> decoded = decode_base64(text)) {
            return parse_json(*decoded, Code::settings_malformed, kWhat);
        }
    }
    return parsed;
}

}  // namespace

std::vector<DiskKeyUrls> parse_key_urls(std::string_view text) {
    Result<Json> parsed = parse_settings(text);
    // A text within the JSON is JSON once more.
    if (parsed && parsed->is_string()) {
        parsed = parse_settings(parsed->get<std::string>());
    }
    std::vector<DiskKeyUrls> found;
    if (parsed && parsed->is_array()) {
        for (const Json& disk : *parsed) {
            read_disk(disk, found);
        }
    } else if (parsed) {
        read_disk(*parsed, found);
    }
    return found;
}

std::vector<DiskKeyUrls> parse_blob_key_urls(const std::vector<std::string>& blobs) {
    std::vector<DiskKeyUrls> found;
    bool one_is_silent = false;
    for (const std::string& blob : blobs) {
        const std::vector<DiskKeyUrls> urls = parse_key_urls(blob);
        one_is_silent = one_is_silent || urls.empty();
        found.insert(found.end(), urls.begin(), urls.end());
    }
    if (one_is_silent) {
        std::erase_if(found, [](const DiskKeyUrls& one) { return !one.lun; });
    }
    return found;
}

void join_key_urls(EncryptionSurvey& survey, const std::vector<DiskKeyUrls>& urls) {
    std::vector<KeyUrls> for_all;
    for (const DiskKeyUrls& one : urls) {
        if (!one.lun && std::ranges::find(for_all, one.urls) == for_all.end()) {
            for_all.push_back(one.urls);
        }
    }
    for (EncryptedVolume& volume : survey.volumes) {
        for (const DiskKeyUrls& one : urls) {
            if (one.lun && std::ranges::find(volume.luns, *one.lun) != volume.luns.end()) {
                volume.keys = one.urls;
            }
        }
        if (volume.keys == KeyUrls() && for_all.size() == 1 && volume.of_azure) {
            volume.keys = for_all.front();
        }
    }
}

}  // namespace stillpoint
