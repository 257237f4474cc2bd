// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "platform/encryption_headers.h"
#include "tests/support/temp_tree.h"

namespace stillpoint::testing {

/// Files that the real cryptsetup makes volumes of; all their keyslots cost as little as it allows.
class VolumeFiles {
public:
    static constexpr const char* kPassphrase = "correct horse";

    VolumeFiles();

    /// Where a new sparse file lies.
    std::string file(const std::string& name, std::uint64_t bytes = 32U << 20);
    std::string path(const std::string& name) const { return tree_.root() + "/" + name; }
    /// A file that luksFormat has been called on, with the options given.
    std::string luks(const std::string& name, const std::string& options);
    /// The tool with arguments and, if there is some, standard input. It must succeed.
    void cryptsetup(const std::string& arguments, const std::string& input = "");
    /// The options that every command needs which makes a keyslot.
    std::string quick() const;

    const TempTree& tree() const { return tree_; }

private:
    TempTree tree_;
};

std::string contents(const std::string& path, std::uint64_t offset, std::size_t bytes);
void overwrite(const std::string& path, std::uint64_t offset, const std::string& bytes);
std::string hash_of_file(const std::string& path);

/// What is read, and a failed test when that changed the file.
Result<std::optional<EncryptionHeader>> read_unchanged(const VolumePlace& place);
/// The same, where there must be a header.
EncryptionHeader header_of(const std::string& path);
Result<int> try_unchanged(const std::string& path, const std::string& key,
                          KeyKind kind = KeyKind::passphrase);
Result<VolumeKey> unlock_unchanged(const std::string& path, const std::string& key,
                                   KeyKind kind = KeyKind::passphrase);

}  // namespace stillpoint::testing
