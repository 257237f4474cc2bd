// SPDX-License-Identifier: Apache-2.0
// What the reader of encryption headers says about an image, in lines for people and for
// images_test.py:
//   header_verdict IMAGE                                        its header
//   header_verdict IMAGE passphrase|recovery|bek KEY_FILE       and which keyslot that key opens
// Ends with 0 when it had an answer, whatever that is, and with 2 when the image could not be read.
#include <cstdio>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

#include "base/format.h"
#include "platform/linux/crypt/linux_encryption_headers.h"
#include "platform/linux/crypt/volume_probe.h"

namespace {

using namespace stillpoint;

const char* text_of(EncryptionFormat format) {
    switch (format) {
        case EncryptionFormat::luks1:
            return "luks1";
        case EncryptionFormat::luks2:
            return "luks2";
        case EncryptionFormat::bitlk:
            return "bitlk";
        case EncryptionFormat::integrity:
            return "integrity";
        case EncryptionFormat::plain:
            break;
    }
    return "plain";
}

const char* text_of(HeaderState state) {
    switch (state) {
        case HeaderState::sound:
            return "sound";
        case HeaderState::one_copy_damaged:
            return "one_copy_damaged";
        case HeaderState::damaged:
            return "damaged";
        case HeaderState::not_understood:
            break;
    }
    return "not_understood";
}

void print(const std::optional<EncryptionHeader>& header) {
    if (!header) {
        fmt::print("none\n");
        return;
    }
    fmt::print("{} {} uuid={} label='{}' cipher={} key={} sector={} payload={}{}\n",
               text_of(header->format), text_of(header->state), header->uuid, header->label,
               header->cipher, header->key_bits, header->sector_bytes, header->payload_offset_bytes,
               header->reencrypting ? " reencrypting" : "");
    if (!header->problem.empty()) {
        fmt::print("problem {}\n", header->problem);
    }
    for (const Keyslot& slot : header->keyslots) {
        fmt::print("keyslot {} {}{}\n", slot.number, slot.kind, slot.bound ? "" : " unbound");
    }
    for (const KeyToken& token : header->tokens) {
        fmt::print("token {} {}\n", token.number, token.type);
    }
    fmt::print("digests {} {}\n", header->digests.header, header->digests.keyslots);
}

int try_key(const VolumePlace& place, const std::string& kind, const char* file) {
    std::ifstream stream(file, std::ios::binary);
    const Secret key(
        std::string((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>()));
    const KeyKind what = kind == "bek"        ? KeyKind::bek_file
                         : kind == "recovery" ? KeyKind::recovery_password
                                              : KeyKind::passphrase;
    const linux_os::LinuxEncryptionHeaders headers;
    const Result<int> slot = headers.try_key(place, what, key);
    if (!slot) {
        fmt::print("refused {}\n", slot.error().describe());
        return 0;
    }
    fmt::print("opens {}\n", *slot);
    const Result<VolumeKey> unlocked = headers.unlock(place, what, key);
    if (unlocked) {
        fmt::print("unlocked {} {} bytes of key\n", unlocked->cipher,
                   unlocked->key.reveal().size());
    } else {
        fmt::print("not unlocked {}\n", unlocked.error().describe());
    }
    return 0;
}

}  // namespace

int main(int count, char** arguments) {
    if (count != 2 && count != 4) {
        return 2;
    }
    const VolumePlace place{.path = arguments[1]};
    const Result<std::optional<EncryptionHeader>> header =
        linux_os::LinuxEncryptionHeaders().read(place);
    if (!header) {
        fmt::print("error {}\n", header.error().describe());
        return 2;
    }
    print(*header);
    if (const auto table = linux_os::read_partition_table(place); table && *table) {
        fmt::print("partitions {} {}\n", (*table)->type, (*table)->partitions.size());
    }
    return count == 4 ? try_key(place, arguments[2], arguments[3]) : 0;
}
