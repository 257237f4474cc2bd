// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "platform/script_system.h"
#include "tests/fakes/journal.h"

namespace stillpoint::testing {

struct FakeScriptFile final : ScriptFile {
    FileFacts is;
    std::string text;

    const FileFacts& facts() const override { return is; }
    Result<std::string> read(std::size_t) const override { return text; }
};

/// A machine's files and scripts in memory. Enforces what the seam asks of everyone: nothing is run
/// whose file was not opened and right, pre before post, each phase once, post always when pre was.
class FakeScriptSystem final : public ScriptSystem {
public:
    explicit FakeScriptSystem(Journal& journal) : journal_(journal) {}
    ~FakeScriptSystem() override { EXPECT_EQ(running_, 0) << "a keeper is left"; }

    std::map<std::string, std::shared_ptr<FakeScriptFile>> files;
    std::map<std::string, Error> cannot_open;
    std::optional<Error> cannot_keep;
    std::map<std::string, ScriptResult> ends;  // by location; others succeed
    bool keeper_dies = false;                  // between the phases
    bool keeper_is_early = false;
    std::vector<ScriptPair> kept;
    std::chrono::milliseconds phase_limit{};

    FakeScriptFile& add(const std::string& path, unsigned mode, std::string text = {}) {
        auto file = std::make_shared<FakeScriptFile>();
        file->is = {.regular = true, .owned_by_root = true, .mode = mode, .exchangeable_in = {}};
        file->text = std::move(text);
        return *(files[path] = file);
    }

    Result<std::shared_ptr<const ScriptFile>> open(const std::string& path) override {
        if (const auto error = cannot_open.find(path); error != cannot_open.end()) {
            return error->second;
        }
        const auto found = files.find(path);
        return std::shared_ptr<const ScriptFile>(found == files.end() ? nullptr : found->second);
    }

    Result<std::unique_ptr<ScriptKeeper>> keep(std::vector<ScriptPair> pairs,
                                               std::chrono::milliseconds limit) override {
        if (cannot_keep) {
            return *cannot_keep;
        }
        kept = std::move(pairs);
        phase_limit = limit;
        return std::unique_ptr<ScriptKeeper>(std::make_unique<Keeper>(*this));
    }

private:
    class Keeper final : public ScriptKeeper {
    public:
        explicit Keeper(FakeScriptSystem& system) : system_(system) { ++system_.running_; }
        ~Keeper() override {
            EXPECT_EQ(pre_, post_) << "an application was left at rest";
            --system_.running_;
        }

        std::vector<ScriptResult> run(ScriptPhase phase) override {
            const bool pre = phase == ScriptPhase::pre;
            EXPECT_FALSE(std::exchange(pre ? pre_ : post_, true)) << "a phase ran twice";
            EXPECT_TRUE(pre_);
            std::vector<ScriptResult> results;
            for (const ScriptPair& pair : system_.kept) {
                const Script& script = pre ? pair.pre : pair.post;
                EXPECT_TRUE(script.file && script.file->facts().owned_by_root);
                system_.journal_.push_back((pre ? "pre " : "post ") + script.location);
                const auto end = system_.ends.find(script.location);
                results.push_back(end == system_.ends.end()
                                      ? ScriptResult{.how = ScriptResult::How::exited, .runs = 1}
                                      : end->second);
            }
            return results;
        }
        bool was_lost() const override { return system_.keeper_dies; }
        bool ran_early() const override { return system_.keeper_is_early; }

    private:
        FakeScriptSystem& system_;
        bool pre_ = false;
        bool post_ = false;
    };

    Journal& journal_;
    int running_ = 0;
};

}  // namespace stillpoint::testing
