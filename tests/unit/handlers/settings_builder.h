// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace stillpoint::testing {

/// For tests only: the product never encodes.
inline std::string encode_base64(std::string_view text) {
    constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    for (std::size_t i = 0; i < text.size(); i += 3) {
        unsigned group = 0;
        for (std::size_t j = 0; j < 3; ++j) {
            group =
                (group << 8) | (i + j < text.size() ? static_cast<unsigned char>(text[i + j]) : 0U);
        }
        for (std::size_t j = 0; j < 4; ++j) {
            out += i + j > text.size() ? '=' : kDigits[(group >> (18 - 6 * j)) & 63];
        }
    }
    return out;
}

/// One settings file, member by member, as JSON text.
struct SettingsBuilder {
    std::string metadata = R"([{"Key": "BackupId", "Value": "b-1"}])";
    std::string disks = R"({"dataDiskLunList": [0, 1], "isOSDiskIncluded": true})";
    std::string configs = R"([{"Key": "ISSNAPSHOTTTLENABLED", "Value": true}])";
    std::string token = R"("TOKEN-1")";
    std::string custom =
        R"({"takeSnapshotFrom": "onlyHost", "isManagedVm": true, "backupTaskId": "backup-task-1"})";
    std::string command = R"("snapshot")";
    std::string more_public;  // ", \"name\": value"
    std::string protected_members =
        R"("protectedSettings": "QUJD", "protectedSettingsCertThumbprint": "AA")";

    std::string public_object() const {
        return R"({"backupMetadata": )" + metadata + R"(, "snapshotTaskToken": )" + token +
               R"(, "includedDisks": )" + disks + R"(, "dynamicConfigsFromCRP": )" + configs + "}";
    }
    std::string file() const {
        std::string escaped;
        for (const char c : custom) {
            escaped += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
        }
        return R"({"runtimeSettings": [{"handlerSettings": {)" + protected_members +
               R"(, "publicSettings": {"commandToExecute": )" + command +
               R"(, "taskId": "task-1", "locale": "en-us", "commandStartTimeUTCTicks": )"
               R"("639309790381354880", "vmType": "microsoft.compute/virtualmachines", )"
               R"("objectStr": ")" +
               encode_base64(public_object()) + R"(", "customSettings": ")" + escaped + "\"" +
               more_public + "}}}]}";
    }
};

/// The plain text of protected settings that name `blobs` (JSON text of a list).
inline std::string protected_plain(std::string_view blobs) {
    return R"({"objectStr": ")" + encode_base64(R"({"blobSASUri": )" + std::string(blobs) + "}") +
           R"(", "statusBlobUri": "https://acct.blob.example/status/vm.status?sv=1&sig=a%2Bb%3D",)"
           R"( "logsBlobUri": "https://acct.blob.example:8443/logs/vm.log?sig=c"})";
}

}  // namespace stillpoint::testing
