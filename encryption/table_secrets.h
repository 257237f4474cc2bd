// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "encryption/tables.h"

namespace stillpoint {

/// The line without what may be a password in it: PINs of PKCS#11 URIs, the argument of a script
/// that makes the key, the values of options that are passwords. Nothing else of a table may be
/// recorded or printed.
CrypttabEntry without_secrets(CrypttabEntry entry);
FstabEntry without_secrets(FstabEntry entry);

}  // namespace stillpoint
