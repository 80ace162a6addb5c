import Foundation
package import Testing

extension Tag {
    /// Tests of two seconds and more on one core, which `./test --quick` leaves out.
    @Tag package static var slow: Self

    @Tag package static var operations: Self
    @Tag package static var execution: Self
    @Tag package static var graphs: Self
    @Tag package static var networks: Self
    @Tag package static var optimization: Self
    @Tag package static var linearAlgebra: Self
    @Tag package static var files: Self
    @Tag package static var data: Self
    @Tag package static var unlearning: Self
    @Tag package static var methods: Self
    @Tag package static var audit: Self
    @Tag package static var reports: Self
    @Tag package static var ledger: Self
    @Tag package static var commandLine: Self
}

extension Trait where Self == ConditionTrait {
    /// Leaves a test out of quick runs. `swift test` cannot select by tag, so the tag ``Testing/Tag/slow`` needs this beside it.
    package static var slow: Self {
        .disabled(
            if: ProcessInfo.processInfo.environment["UNLEARNING_TESTS"] == "quick", "left out of a quick run")
    }
}

extension Trait where Self == TimeLimitTrait {
    /// Ends what waits forever. A test's time counts from when it is due, also while others have all threads: hence so much longer
    /// than any of them takes.
    package static var deadlockLimit: Self { .timeLimit(.minutes(30)) }
}
