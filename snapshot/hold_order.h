// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "snapshot/footing.h"

namespace stillpoint {

/// The level of each filesystem in the order of freezing (FilesystemToHold::level). `footings` are
/// those of all superblocks, `held` the positions of those to be frozen, `root` that of "/".
/// Returns one level for each of `held`.
///
/// A filesystem on a loop device writes through the one that carries its file: frozen later, it
/// would wait for that one's thaw, and then succeed late and unwatched. So it comes first.
/// Everything on a loop device comes before everything that is not, even if the file was found:
/// paths can mislead. Root comes last, since so much of a running system is on it.
std::vector<int> levels_of(const std::vector<Footing>& footings,
                           const std::vector<std::size_t>& held, std::optional<std::size_t> root);

}  // namespace stillpoint
