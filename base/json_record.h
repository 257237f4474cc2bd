// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/json_text.h"

namespace stillpoint {

// Structs as JSON, both ways from one description. For a struct T there is, beside it,
//     template <class Fields> void describe(Fields& fields, Like<T> auto& one) {
//         fields("name", one.name);
//     }
// and for an enum E a function `names_of(E)` that gives pairs of value and name. Where E has a
// value for what is not known, `unknown_of(E)` gives it: words of later versions are read as that
// one. Included by .cpp files only.

template <class T, class Plain>
concept Like = std::same_as<std::remove_const_t<T>, Plain>;

class RecordWriter {
public:
    template <class T>
    void operator()(const char* name, const T& field) {
        json_[name] = write(field);
    }
    template <class T>
    void need(const char* name, const T& field) {
        (*this)(name, field);
    }

    template <class T>
    static Json write(const T& value) {
        if constexpr (std::is_enum_v<T>) {
            for (const auto& [one, name] : names_of(value)) {
                if (one == value) {
                    return name;
                }
            }
            return nullptr;
        } else if constexpr (std::is_arithmetic_v<T> || std::same_as<T, std::string>) {
            return value;
        } else {
            RecordWriter fields;
            describe(fields, value);
            return std::move(fields.json_);
        }
    }
    template <class T>
    static Json write(const std::vector<T>& values) {
        Json list = Json::array();
        for (const T& value : values) {
            list.push_back(write(value));
        }
        return list;
    }

private:
    Json json_ = Json::object();
};

/// Members that are not there, or null, leave the field as it is; those that nobody asks for are
/// ignored. The first thing that is wrong is kept, as a sentence that begins with its path.
class RecordReader {
public:
    RecordReader(const Json& json, std::string path, std::string& problem)
        : json_(json), path_(std::move(path)), problem_(problem) {}

    template <class T>
    void operator()(const char* name, T& field) {
        if (has(name)) {
            read(*json_.find(name), path_ + '.' + name, field, problem_);
        }
    }
    template <class T>
    void need(const char* name, T& field) {
        if (!has(name)) {
            wrong(name, "is missing");
        }
        (*this)(name, field);
    }

    bool has(const char* name) const {
        const auto found = json_.find(name);
        return found != json_.end() && !found->is_null();
    }
    void wrong(const char* name, std::string_view cause) {
        wrong(path_ + '.' + name, cause, problem_);
    }

    template <class T>
    static void read(const Json& json, const std::string& path, T& value, std::string& problem) {
        if constexpr (std::is_enum_v<T>) {
            read_enum(json, path, value, problem);
        } else if constexpr (std::same_as<T, bool>) {
            json.is_boolean() ? void(value = json.get<bool>())
                              : wrong(path, "is not true or false", problem);
        } else if constexpr (std::is_integral_v<T>) {
            read_number(json, path, value, problem);
        } else if constexpr (std::same_as<T, std::string>) {
            json.is_string() ? void(value = json.get<std::string>())
                             : wrong(path, "is no text", problem);
        } else if (json.is_object()) {
            RecordReader fields(json, path, problem);
            describe(fields, value);
        } else {
            wrong(path, "is no object", problem);
        }
    }
    template <class T>
    static void read(const Json& json, const std::string& path, std::vector<T>& values,
                     std::string& problem) {
        if (!json.is_array()) {
            wrong(path, "is no list", problem);
            return;
        }
        values.clear();
        for (const Json& one : json) {
            values.emplace_back();
            read(one, path + '[' + std::to_string(values.size() - 1) + ']', values.back(), problem);
        }
    }

    static void wrong(const std::string& path, std::string_view cause, std::string& problem) {
        if (problem.empty()) {
            problem = "'" + path + "' " + std::string(cause);
        }
    }

private:
    template <class T>
    static void read_number(const Json& json, const std::string& path, T& value,
                            std::string& problem) {
        // Text that is not negative is kept as an unsigned number.
        if (json.is_number_unsigned() && std::in_range<T>(json.get<std::uint64_t>())) {
            value = static_cast<T>(json.get<std::uint64_t>());
        } else if (json.is_number_integer() && !json.is_number_unsigned() &&
                   std::in_range<T>(json.get<std::int64_t>())) {
            value = static_cast<T>(json.get<std::int64_t>());
        } else {
            wrong(path, "is no whole number, or too large", problem);
        }
    }
    template <class T>
    static void read_enum(const Json& json, const std::string& path, T& value,
                          std::string& problem) {
        for (const auto& [one, name] : names_of(T())) {
            if (json.is_string() && json.get_ref<const std::string&>() == name) {
                value = one;
                return;
            }
        }
        if constexpr (requires { unknown_of(T()); }) {
            if (json.is_string()) {
                value = unknown_of(T());
                return;
            }
        }
        wrong(path, "is none of the words there are for it", problem);
    }

    const Json& json_;
    std::string path_;
    std::string& problem_;
};

}  // namespace stillpoint
