// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "inspect/content.h"
#include "inspect/image_form.h"
#include "platform/encryption_headers.h"

namespace stillpoint {

/// The words of the report, in text and JSON alike.
std::string_view name_of(FilesystemVerdict verdict);
std::string_view name_of(ContentKind kind);
std::string_view name_of(ImageForm::Kind kind);
/// These two have the words of the encryption survey, which is no part of what is known here.
std::string_view word_of(EncryptionFormat format);
std::string_view word_of(HeaderState state);

/// A partition's type in words; empty for one that is not in the list.
std::string_view partition_type_name(std::string_view type);

}  // namespace stillpoint
