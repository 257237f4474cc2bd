// SPDX-License-Identifier: Apache-2.0
#include "agent/evidence_json.h"

#include <nlohmann/json.hpp>

#include "base/format.h"

namespace stillpoint {
namespace {

using Json = nlohmann::ordered_json;

Json time_or_null(const std::optional<Instant>& time) {
    return time ? Json(time->count()) : Json(nullptr);
}

Json filesystem_json(const FilesystemEvidence& one) {
    Json json = {{"mount_point", one.filesystem.mount_point},
                 {"device", to_string(one.filesystem.device)},
                 {"type", one.filesystem.type},
                 {"level", one.filesystem.level},
                 {"outcome", name_of(one.outcome)},
                 {"held_until_thaw", one.held_until_thaw()},
                 {"rehearsed_ns", time_or_null(one.rehearsed)},
                 {"freeze_begun_ns", time_or_null(one.freeze_begun)},
                 {"frozen_ns", time_or_null(one.frozen)},
                 {"thaw_begun_ns", time_or_null(one.thaw_begun)},
                 {"thawed_ns", time_or_null(one.thawed)},
                 {"owner_lost", one.owner_lost}};
    json["freeze_errno"] = one.freeze_errno;
    json["thaw_errno"] = one.thaw_errno;
    return json;
}

Json counters_json(const BlockCounters& counters) {
    return {{"sectors_written", counters.sectors_written},
            {"sectors_discarded", counters.sectors_discarded},
            {"writes_in_flight", counters.writes_in_flight}};
}

/// From the moment the first filesystem was frozen to the moment the last one was let go, in ms.
std::optional<double> window_ms(const HoldEvidence& evidence) {
    std::optional<Instant> first;
    std::optional<Instant> last;
    for (const FilesystemEvidence& one : evidence.filesystems) {
        if (one.outcome == FreezeOutcome::held && one.frozen && one.thawed) {
            first = first ? std::min(*first, *one.frozen) : *one.frozen;
            last = last ? std::max(*last, *one.thawed) : *one.thawed;
        }
    }
    if (!first) {
        return std::nullopt;
    }
    return std::chrono::duration<double, std::milli>(*last - *first).count();
}

std::string line_of(const FilesystemEvidence& one) {
    const std::string& mount = one.filesystem.mount_point;
    if (one.outcome == FreezeOutcome::held && one.thawed) {
        const double ms =
            std::chrono::duration<double, std::milli>(*one.thaw_begun - *one.frozen).count();
        const char* note = one.owner_lost ? ", let go by another process of ours: the guard died"
                           : one.thaw_errno != 0 ? ", but somebody else had let go before us"
                                                 : "";
        return fmt::format("  {:<24} {:<6} held for {:.1f} ms{}\n", mount, one.filesystem.type, ms,
                           note);
    }
    const std::string why = one.freeze_errno != 0 ? ": " + errno_text(one.freeze_errno) : "";
    return fmt::format("  {:<24} {:<6} {}{}\n", mount, one.filesystem.type, name_of(one.outcome),
                       why);
}

}  // namespace

std::string_view name_of(FreezeOutcome outcome) {
    switch (outcome) {
        case FreezeOutcome::held:
            return "held";
        case FreezeOutcome::not_tried:
            return "not tried";
        case FreezeOutcome::refused:
            return "refused";
        case FreezeOutcome::foreign:
            return "frozen by somebody else";
        case FreezeOutcome::not_openable:
            return "not openable";
        case FreezeOutcome::replaced:
            return "mounted over";
        case FreezeOutcome::not_allowed:
            return "outside only_devices";
        case FreezeOutcome::too_slow:
            return "too slow";
    }
    return "unknown";
}

std::string evidence_json(const GuestPlan& plan, const HoldEvidence& evidence) {
    Json json;
    json["held"] = !evidence.not_held;
    json["held_throughout"] = evidence.held_throughout();
    json["error"] = nullptr;
    if (evidence.not_held) {
        json["error"] = {{"code", name_of(evidence.not_held->code())},
                         {"message", evidence.not_held->sentence()}};
    }
    json["window_ms"] = nullptr;
    if (const auto window = window_ms(evidence)) {
        json["window_ms"] = *window;
    }
    json["overran"] = evidence.overran;
    json["guard_lost"] = evidence.guard_lost;
    json["action_begun_ns"] = time_or_null(evidence.action_begun);
    json["action_ended_ns"] = time_or_null(evidence.action_ended);
    json["filesystems"] = Json::array();
    for (const FilesystemEvidence& one : evidence.filesystems) {
        json["filesystems"].push_back(filesystem_json(one));
    }
    json["watched"] = Json::array();
    for (const WatchedEvidence& one : evidence.watched) {
        json["watched"].push_back({{"mount_point", one.filesystem.mount_point},
                                   {"device", to_string(one.filesystem.device)},
                                   {"type", one.filesystem.type},
                                   {"still", one.still},
                                   {"why_not", one.why_not}});
    }
    json["left_out"] = Json::array();
    for (const LeftOut& one : plan.left_out) {
        json["left_out"].push_back({{"mount_point", one.mount_point},
                                    {"device", to_string(one.device)},
                                    {"type", one.type},
                                    {"why", one.why},
                                    {"lowers_claim", one.lowers_claim}});
    }
    json["devices"] = Json::array();
    for (const DeviceEvidence& one : evidence.devices) {
        json["devices"].push_back({{"name", one.name},
                                   {"readable", one.readable},
                                   {"stood_still", one.stood_still()},
                                   {"after_freeze", counters_json(one.after_freeze)},
                                   {"before_thaw", counters_json(one.before_thaw)}});
    }
    json["stuck"] = evidence.stuck;
    json["warnings"] = plan.warnings;
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string evidence_text(const GuestPlan& plan, const HoldEvidence& evidence,
                          bool only_named_mounts) {
    std::string text;
    for (const FilesystemEvidence& one : evidence.filesystems) {
        text += line_of(one);
    }
    for (const WatchedEvidence& one : evidence.watched) {
        text +=
            fmt::format("  {:<24} {:<6} {}\n", one.filesystem.mount_point, one.filesystem.type,
                        one.still ? "cannot be frozen, but stood still" : "moved: " + one.why_not);
    }
    for (const LeftOut& one : plan.left_out) {
        if (only_named_mounts) {
            break;  // everything else on the machine: nobody asked
        }
        text += fmt::format("  {:<24} {:<6} left out: {}\n", one.mount_point, one.type, one.why);
    }
    if (const auto window = window_ms(evidence)) {
        text += fmt::format("held window: {:.1f} ms (first frozen to last let go)\n", *window);
    }
    for (const std::string& mount : evidence.stuck) {
        text += fmt::format(
            "STILL FROZEN: '{}': the kernel has not come back; the guard waits for it\n", mount);
    }
    return text;
}

}  // namespace stillpoint
