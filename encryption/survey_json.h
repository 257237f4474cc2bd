// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "encryption/survey.h"

namespace stillpoint {

/// How the survey looks everywhere: in `stillpoint encryption --json`, in the passport, and between
/// the worker and the process that looks at the disks. One line per volume and table entry.
/// `indent` blanks stand in front of each line but the first.
std::string render_survey(const EncryptionSurvey& survey, std::size_t indent = 0);

/// Reads it back. Members that are not known are ignored; those that are missing stay empty.
/// Errors: `code`, with the member and what is wrong with it.
Result<EncryptionSurvey> parse_survey(std::string_view json, Code code);

/// The words of the enums, as they stand in the document.
std::string_view name_of(EncryptionFormat format);
std::string_view name_of(HeaderState state);
std::string_view name_of(AdeGeneration generation);

}  // namespace stillpoint
