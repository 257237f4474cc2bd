// SPDX-License-Identifier: Apache-2.0
// luks_fill VOLUME KEY_FILE CONTENT [HEADER]: encrypts CONTENT into a volume that cryptsetup has
// formatted, as a mapping would, without one. Written against libcryptsetup alone, so that it does
// not share a mistake with the code it tests. Blocks of zeros are left as they are.
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <libcryptsetup.h>
#include <openssl/evp.h>

namespace {

struct Payload {
    std::vector<char> key;
    std::uint64_t offset = 0;
    std::size_t sector = 512;
};

int give_up(const char* what) {
    std::fprintf(stderr, "luks_fill: %s\n", what);
    return 1;
}

bool open_volume(const char* volume, const char* header, const std::string& passphrase,
                 Payload& payload) {
    crypt_device* device = nullptr;
    if ((header != nullptr ? crypt_init_data_device(&device, header, volume)
                           : crypt_init(&device, volume)) != 0) {
        return false;
    }
    crypt_metadata_locking(device, 0);
    payload.key.resize(64);
    std::size_t size = payload.key.size();
    const bool opened = crypt_load(device, CRYPT_LUKS, nullptr) == 0 &&
                        std::strcmp(crypt_get_cipher_mode(device), "xts-plain64") == 0 &&
                        crypt_volume_key_get(device, CRYPT_ANY_SLOT, payload.key.data(), &size,
                                             passphrase.data(), passphrase.size()) >= 0;
    if (opened) {
        payload.key.resize(size);
        payload.offset = crypt_get_data_offset(device) * 512;
        payload.sector = static_cast<std::size_t>(crypt_get_sector_size(device));
    }
    crypt_free(device);
    return opened;
}

bool encrypt(EVP_CIPHER_CTX* context, std::uint64_t at, std::vector<char>& sector) {
    std::array<unsigned char, 16> vector{};
    for (std::size_t i = 0; i < 8; ++i) {
        vector[i] = static_cast<unsigned char>(at / 512 >> (8 * i));
    }
    int length = 0;
    const std::vector<char> plain = sector;
    return EVP_EncryptInit_ex(context, nullptr, nullptr, nullptr, vector.data()) == 1 &&
           EVP_EncryptUpdate(context, reinterpret_cast<unsigned char*>(sector.data()), &length,
                             reinterpret_cast<const unsigned char*>(plain.data()),
                             static_cast<int>(plain.size())) == 1;
}

}  // namespace

int main(int count, char** arguments) {
    if (count < 4) {
        return give_up("VOLUME KEY_FILE CONTENT [HEADER]");
    }
    std::ifstream key_file(arguments[2], std::ios::binary);
    const std::string passphrase((std::istreambuf_iterator<char>(key_file)), {});
    Payload payload;
    if (!open_volume(arguments[1], count > 4 ? arguments[4] : nullptr, passphrase, payload)) {
        return give_up("the volume cannot be opened");
    }
    std::ifstream content(arguments[3], std::ios::binary);
    std::fstream volume(arguments[1], std::ios::binary | std::ios::in | std::ios::out);
    EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
    EVP_EncryptInit_ex(context, payload.key.size() == 64 ? EVP_aes_256_xts() : EVP_aes_128_xts(),
                       nullptr, reinterpret_cast<const unsigned char*>(payload.key.data()),
                       nullptr);
    std::vector<char> sector(payload.sector);
    const std::vector<char> zeros(payload.sector);
    for (std::uint64_t at = 0; content.read(sector.data(), static_cast<long>(sector.size()));
         at += sector.size()) {
        if (sector == zeros) {
            continue;
        }
        volume.seekp(static_cast<std::streamoff>(payload.offset + at));
        if (!encrypt(context, at, sector) ||
            !volume.write(sector.data(), static_cast<long>(sector.size()))) {
            return give_up("writing failed");
        }
    }
    EVP_CIPHER_CTX_free(context);
    return volume.flush() ? 0 : give_up("writing failed");
}
