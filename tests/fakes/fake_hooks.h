// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <utility>

#include <gtest/gtest.h>

#include "platform/application_hooks.h"
#include "tests/fakes/fake_still_point.h"
#include "tests/fakes/journal.h"

namespace stillpoint::testing {

/// Hooks in memory. Nobody may run them inside a hold, or leave applications at rest.
class FakeHooks final : public ApplicationHooks {
public:
    FakeHooks(const FakeStillPoint& still_point, Journal& journal)
        : still_point_(still_point), journal_(journal) {}
    ~FakeHooks() override { EXPECT_EQ(quiesced_, resumed_) << "applications were left at rest"; }

    QuiesceOutcome outcome{.ran = true, .error = {}, .why_left_out = {}};
    std::optional<Error> resume_error;
    std::optional<Error> doubts;
    std::function<void()> quiescing = [] {};  // what happens meanwhile

    QuiesceOutcome quiesce() override {
        EXPECT_FALSE(std::exchange(quiesced_, true));
        note("quiesce");
        quiescing();
        return outcome;
    }
    std::optional<Error> resume() override {
        EXPECT_TRUE(quiesced_);
        EXPECT_FALSE(std::exchange(resumed_, true)) << "resumed twice";
        note("resume");
        return resume_error;
    }
    std::optional<Error> doubt() const override { return doubts; }
    std::string application_name() const override { return "oracle"; }

private:
    void note(const char* what) {
        EXPECT_FALSE(still_point_.held()) << what << " while held";
        journal_.emplace_back(what);
    }

    const FakeStillPoint& still_point_;
    Journal& journal_;
    bool quiesced_ = false;
    bool resumed_ = false;
};

}  // namespace stillpoint::testing
