// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <string_view>

#include "encryption/table_secrets.h"
#include "encryption/tables.h"

namespace {

template <class Parse>
void check(std::string_view text, Parse parse) {
    const auto table = parse(text);
    // A table that is read and written is the same, and what is written from an entry says the
    // same.
    if (table.text() != text) {
        std::abort();
    }
    for (const auto& entry : table.entries()) {
        const auto again = parse(stillpoint::line_of(entry));
        if (again.entries().size() != 1 || again.entries()[0] != entry) {
            std::abort();
        }
    }
}

/// What is kept of a line holds nothing more to take out.
template <class Table>
void check_secrets(const Table& table) {
    for (const auto& entry : table.entries()) {
        const auto safe = stillpoint::without_secrets(entry);
        if (stillpoint::without_secrets(safe) != safe) {
            std::abort();
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    check(text, [](std::string_view one) { return stillpoint::parse_crypttab(one); });
    check(text, [](std::string_view one) { return stillpoint::parse_fstab(one); });
    check(text, [](std::string_view one) { return stillpoint::parse_azure_crypt_mount(one); });
    check_secrets(stillpoint::parse_crypttab(text));
    check_secrets(stillpoint::parse_fstab(text));
    (void)stillpoint::part_of(text, stillpoint::key_part(text));
    return 0;
}
