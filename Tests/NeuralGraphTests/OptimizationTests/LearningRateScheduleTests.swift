import Foundation
import NeuralGraph
import TestSupport
import Testing

@Suite("Learning rate schedule", .tags(.optimization)) struct LearningRateScheduleTests {
    @Test(
        "follows PyTorch",
        arguments: [
            ("schedule.step", LearningRateSchedule.step(every: 3, factor: 0.5)), ("schedule.cosine", .cosine),
            ("schedule.one_cycle", .oneCycle),
        ])
    func followsPyTorch(_ name: String, _ schedule: LearningRateSchedule) throws {
        for (step, expected) in try LossFixtures().values(name).enumerated() {
            let rate = schedule.rate(base: 0.1, step: step, of: 10)
            #expect(abs(rate - Double(expected)) <= 1e-8, "step \(step)")
        }
    }

    @Test("ends are as described") func endsAreAsDescribed() {
        #expect(LearningRateSchedule.constant.rate(base: 0.3, step: 7, of: 10) == 0.3)
        #expect(LearningRateSchedule.cosine(minimum: 0.01).rate(base: 0.3, step: 0, of: 10) == 0.3)
        #expect(LearningRateSchedule.cosine(minimum: 0.01).rate(base: 0.3, step: 99, of: 10) == 0.01)
        #expect(abs(LearningRateSchedule.oneCycle.rate(base: 0.3, step: 29, of: 100) - 0.3) < 1e-15)
    }

    @Test("every length gives a rate") func everyLengthGivesARate() {
        let schedules: [LearningRateSchedule] = [
            .constant, .step(every: 0, factor: 0.5), .cosine, .oneCycle, .oneCycle(warmUpFraction: 0),
            .oneCycle(warmUpFraction: 1), .oneCycle(warmUpFraction: 0.1),
        ]
        for schedule in schedules {
            for total in [-1, 0, 1, 2, 3, 10] {
                for step in -1...11 {
                    let rate = schedule.rate(base: 0.1, step: step, of: total)
                    #expect(rate >= 0 && rate <= 0.1 + 1e-12, "\(schedule), step \(step) of \(total)")
                }
            }
        }
    }

    @Test(
        "settings out of range are refused",
        arguments: [
            LearningRateSchedule.step(every: 0, factor: 0.5), .step(every: 1, factor: 0),
            .step(every: 1, factor: .nan),
            .cosine(minimum: -1), .oneCycle(warmUpFraction: 2), .oneCycle(initialDivisor: 0),
            .oneCycle(finalDivisor: -1),
        ])
    func settingsOutOfRangeAreRefused(_ schedule: LearningRateSchedule) {
        #expect(throws: OptimizationError.self) { try schedule.validate() }
    }

    @Test(
        "is stored as JSON",
        arguments: [LearningRateSchedule.constant, .step(every: 3, factor: 0.1), .cosine, .oneCycle])
    func isStoredAsJSON(_ schedule: LearningRateSchedule) throws {
        #expect(throws: Never.self) { try schedule.validate() }
        let data = try JSONEncoder().encode(schedule)
        #expect(try JSONDecoder().decode(LearningRateSchedule.self, from: data) == schedule)
    }
}
