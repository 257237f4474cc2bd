// SPDX-License-Identifier: Apache-2.0
#include "encryption/survey_json.h"

#include "encryption/survey_fields.h"

namespace stillpoint {
namespace {

std::string text_of(const Json& value) {
    // Bytes that are no UTF-8, which a file's name may hold, become U+FFFD.
    return value.dump(-1, ' ', true, Json::error_handler_t::replace);
}

template <class Enum>
std::string_view name_in(Enum value) {
    for (const auto& [one, name] : names_of(value)) {
        if (one == value) {
            return name;
        }
    }
    return "";
}

}  // namespace

std::string render_survey(const EncryptionSurvey& survey, std::size_t indent) {
    const Json json = RecordWriter::write(survey);
    const std::string line = '\n' + std::string(indent + 2, ' ');
    std::string text = "{";
    for (const auto& [key, value] : json.items()) {
        text += text.size() == 1 ? line : ',' + line;
        text += text_of(key) + ": ";
        if (!value.is_array() || value.empty()) {
            text += text_of(value);
            continue;
        }
        for (const Json& one : value) {
            text += (&one == &value.front() ? "[" : ",") + line + "  " + text_of(one);
        }
        text += line + ']';
    }
    return text + '\n' + std::string(indent, ' ') + '}';
}

Result<EncryptionSurvey> parse_survey(std::string_view json, Code code) {
    const Result<Json> parsed = parse_json(json, code, "the encryption survey");
    if (!parsed) {
        return parsed.error();
    }
    EncryptionSurvey survey;
    std::string problem;
    RecordReader::read(*parsed, "survey", survey, problem);
    if (!problem.empty()) {
        return fail(code, "the encryption survey cannot be understood: " + problem);
    }
    return survey;
}

std::string_view name_of(EncryptionFormat format) {
    return name_in(format);
}

std::string_view name_of(HeaderState state) {
    return name_in(state);
}

std::string_view name_of(AdeGeneration generation) {
    return name_in(generation);
}

}  // namespace stillpoint
