// SPDX-License-Identifier: Apache-2.0
#include "handlers/config/script_config.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "base/format.h"
#include "handlers/json_reader.h"

namespace stillpoint {
namespace {

constexpr int kMostRetries = 100;
constexpr int kLongestSeconds = 1800;
// Everything that one script is started with; the kernel takes more, a message of ours does not.
constexpr std::size_t kMostParameterBytes = 32 * 1024;

constexpr std::array<std::string_view, 12> kKnown = {
    "pluginName", "appName", "timeoutInSeconds", "preScriptLocation", "postScriptLocation",
    "preScriptParams", "postScriptParams", "preScriptNoOfRetries", "postScriptNoOfRetries",
    "continueBackupOnFailure", "fsFreezeEnabled",
    // How often to look whether a script has ended: it is waited for instead.
    "ScriptsExecutionPollTimeSeconds"};

int line_at(std::string_view text, std::size_t position) {
    return 1 + static_cast<int>(std::ranges::count(text.substr(0, position), '\n'));
}

/// As Python's str() shows a value, which is how parameters reach the scripts people have.
std::string as_python_text(const Json& value) {
    if (value.is_string()) {
        return value.get<std::string>();
    }
    if (value.is_boolean()) {
        return value.get<bool>() ? "True" : "False";
    }
    return value.is_null() ? "None" : json_text(value);
}

class Reader {
public:
    Reader(std::string_view text, std::string file) : text_(text), file_(std::move(file)) {}

    Result<ReadConfig<ScriptConfig>> read() {
        if (const Result<void> parsed = parse(); !parsed) {
            return parsed.error();
        }
        warn_of_unknown();
        if (const Json* name = find("appName"); name != nullptr && name->is_string()) {
            read_.config.app_name = name->get<std::string>();
        }
        read_timeout();
        read_bool("continueBackupOnFailure", read_.config.continue_on_failure);
        read_bool("fsFreezeEnabled", read_.config.freeze);
        for (const auto& [word, call] :
             {std::pair{"pre", &read_.config.pre}, {"post", &read_.config.post}}) {
            if (const Result<void> taken = read_call(word, *call); !taken) {
                return taken.error();
            }
        }
        return std::move(read_);
    }

private:
    /// Of a member that stands twice the last one rules, as for the readers of this file before.
    Result<void> parse() {
        try {
            document_ = Json::parse(text_);
        } catch (const Json::parse_error& error) {
            return wrong(fmt::format("line {}: it is no JSON from there on",
                                     line_at(text_, error.byte == 0 ? 0 : error.byte - 1)));
        } catch (const Json::exception&) {
            return wrong("it holds a number out of range");
        }
        return document_.is_object() ? Result<void>() : wrong("it is no JSON object");
    }

    Result<void> read_call(std::string_view word, ScriptCall& call) {
        const std::string location = fmt::format("{}ScriptLocation", word);
        const Json* path = find(location);
        if (path == nullptr || !path->is_string()) {
            return wrong(path == nullptr ? location + " is missing"
                                         : location + ": it is no string");
        }
        call.location = path->get<std::string>();
        if (call.location.find('\0') != std::string::npos) {
            return wrong(location + ": it holds a zero byte");
        }
        read_retries(fmt::format("{}ScriptNoOfRetries", word), call.retries);
        return read_parameters(fmt::format("{}ScriptParams", word), call);
    }

    Result<void> read_parameters(const std::string& key, ScriptCall& call) {
        const Json* list = find(key);
        if (list == nullptr) {
            return {};
        }
        if (!list->is_array()) {
            warn(key, "it is no list", "the script gets no parameters");
            return {};
        }
        std::size_t bytes = call.location.size();
        for (const Json& value : *list) {
            std::string word = as_python_text(value);
            if (word.find('\0') != std::string::npos) {
                return wrong(key + ": a parameter holds a zero byte");
            }
            bytes += word.size() + 1;
            call.parameters.push_back(std::move(word));
        }
        if (bytes > kMostParameterBytes) {
            return wrong(fmt::format("{}: more than {} bytes", key, kMostParameterBytes));
        }
        return {};
    }

    /// A number, or one in quotes.
    static std::optional<int> number_of(const Json& value) {
        if (value.is_string()) {
            return parse_count(without_blanks(value.get<std::string>()));
        }
        if (!value.is_number()) {
            return std::nullopt;
        }
        const double number = std::ceil(value.get<double>());
        constexpr double kMost = 1'000'000'000;
        return number >= 0 && number < kMost ? std::optional(static_cast<int>(number))
                                             : std::nullopt;
    }

    void read_timeout() {
        const std::string key = "timeoutInSeconds";
        if (const Json* value = find(key)) {
            const std::optional<int> seconds = number_of(*value);
            if (seconds && *seconds > 0) {
                read_.config.timeout = std::chrono::seconds(std::min(*seconds, kLongestSeconds));
            } else {
                warn(key, "it is no number of seconds above 0",
                     shown(read_.config.timeout) + " is used");
            }
        }
    }

    void read_retries(const std::string& key, int& retries) {
        if (const Json* value = find(key)) {
            if (const std::optional<int> number = number_of(*value)) {
                retries = std::min(*number, kMostRetries);
            } else {
                warn(key, "it is no number of runs", "the script is run once");
            }
        }
    }

    void read_bool(const std::string& key, bool& yes) {
        if (const Json* value = find(key)) {
            if (const std::optional<bool> read = JsonField(*value, key).as_bool()) {
                yes = *read;
            } else {
                warn(key, "it is neither true nor false", yes ? "true is used" : "false is used");
            }
        }
    }

    /// Null: absent, or null.
    const Json* find(const std::string& key) const {
        const auto found = document_.find(key);
        return found == document_.end() || found->is_null() ? nullptr : &*found;
    }

    void warn_of_unknown() {
        constexpr std::size_t kEnough = 20;
        for (const auto& [key, value] : document_.items()) {
            const bool known =
                std::ranges::any_of(kKnown, [&key = key](auto one) { return same_word(one, key); });
            if (!known && read_.warnings.size() < kEnough) {
                warn(key, "this member is not known", "it has no effect");
            }
        }
    }

    void warn(const std::string& key, std::string_view what, std::string_view instead) {
        const std::size_t at = text_.find('"' + key + '"');
        read_.warnings.push_back(fmt::format("'{}' line {}, {}: {}; {}", printable(file_),
                                             at == std::string_view::npos ? 1 : line_at(text_, at),
                                             printable(key), what, instead));
    }

    Error wrong(const std::string& what) const {
        return fail(Code::script_config_malformed, fmt::format("'{}': {}", printable(file_), what));
    }

    std::string_view text_;
    std::string file_;
    Json document_;
    ReadConfig<ScriptConfig> read_;
};

}  // namespace

Result<ReadConfig<ScriptConfig>> parse_script_config(std::string_view text, std::string file) {
    return Reader(text, std::move(file)).read();
}

}  // namespace stillpoint
