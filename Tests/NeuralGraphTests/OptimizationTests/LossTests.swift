import Foundation
import ModelFiles
import NeuralGraph
import TestSupport
import Testing

/// A loss and its targets, with the fixture's name and the naive reference of one row in Double.
private struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    let loss: any Loss
    let targets: @Sendable (LossFixtures) throws -> OwnedTargets
    let reference: @Sendable (_ logits: [Double], _ target: [Double]) -> Double
    var testDescription: String { name }

    static let labels: [Int32] = (0..<6).map { Int32((2 * $0 + 1) % 5) }

    static let all = [
        Case(
            name: "cross_entropy.hard", loss: CrossEntropy(), targets: { _ in .labels(labels) },
            reference: { crossEntropy($0, $1) }),
        Case(
            name: "cross_entropy.smoothed", loss: CrossEntropy(labelSmoothing: 0.1),
            targets: { _ in .labels(labels) },
            reference: { crossEntropy($0, $1.map { (1 - Double(Float(0.1))) * $0 + Double(Float(0.1)) / 5 }) }
        ),
        Case(
            name: "cross_entropy.soft", loss: CrossEntropy(),
            targets: { .probabilities(try $0.values("targets")) }, reference: { crossEntropy($0, $1) }),
        Case(
            name: "distillation", loss: DistillationLoss(temperature: 4),
            targets: { .logits(try $0.values("teacher")) },
            reference: { logits, teacher in
                let target = softmax(teacher.map { $0 / 4 })
                let output = softmax(logits.map { $0 / 4 })
                return 16 * zip(target, output).map { $0 * log($0 / $1) }.reduce(0, +)
            }),
    ]

    static func softmax(_ logits: [Double]) -> [Double] {
        let exponentials = logits.map { exp($0) }
        let sum = exponentials.reduce(0, +)
        return exponentials.map { $0 / sum }
    }

    static func crossEntropy(_ logits: [Double], _ target: [Double]) -> Double {
        -zip(target, softmax(logits)).map { $0 * log($1) }.reduce(0, +)
    }

    /// The mean of the reference over rows of 5.
    func mean(_ logits: [Double], _ targets: OwnedTargets) -> Double {
        let rows = logits.count / 5
        let sum = (0..<rows).reduce(0.0) { sum, row in
            let range = row * 5..<(row + 1) * 5
            let target: [Double] =
                switch targets {
                case .labels(let labels): (0..<5).map { $0 == Int(labels[row]) ? 1 : 0 }
                case .probabilities(let values), .logits(let values): values[range].map(Double.init)
                }
            return sum + reference(Array(logits[range]), target)
        }
        return sum / Double(rows)
    }
}

@Suite("Loss", .tags(.optimization)) struct LossTests {
    @Test("follows PyTorch", arguments: Case.all) fileprivate func followsPyTorch(_ test: Case) throws {
        let fixtures = try LossFixtures()
        let logits = try fixtures.values("logits")
        let (value, gradient) = test.loss.evaluate(logits, classes: 5, try test.targets(fixtures))
        let expected = Double(try fixtures.values("\(test.name).value")[0])
        #expect(abs(value.loss - expected) < 1e-6 * expected)
        #expect(relativeError(gradient, try fixtures.values("\(test.name).gradient")) < 1e-6)
    }

    @Test("the gradient is the reference's slope", arguments: Case.all) fileprivate func gradientIsTheReferencesSlope(
        _ test: Case
    ) throws {
        let fixtures = try LossFixtures()
        let logits = try fixtures.values("logits")
        let targets = try test.targets(fixtures)
        let (value, gradient) = test.loss.evaluate(logits, classes: 5, targets)
        let exact = logits.map(Double.init)
        #expect(abs(value.loss - test.mean(exact, targets)) < 1e-10)
        for index in exact.indices {
            let step = 1e-5
            var (above, below) = (exact, exact)
            above[index] += step
            below[index] -= step
            let slope = (test.mean(above, targets) - test.mean(below, targets)) / (2 * step)
            #expect(abs(Double(gradient[index]) - slope) < 1e-7, "logit \(index)")
        }
    }

    @Test("the gradient is optional", arguments: Case.all) fileprivate func gradientIsOptional(_ test: Case) throws {
        let fixtures = try LossFixtures()
        let logits = try fixtures.values("logits")
        let targets = try test.targets(fixtures)
        let value = targets.withTargets {
            test.loss.evaluate(logits: logits, count: 6, classes: 5, targets: $0, gradient: nil)
        }
        #expect(value == test.loss.evaluate(logits, classes: 5, targets).0)
    }

    @Test("counts hits") func countsHits() {
        let logits: [Float] = [0, 1, 2, 5, 4, 3, 1, 1, 0]
        #expect(CrossEntropy().evaluate(logits, classes: 3, .labels([2, 1, 0])).0.correct == 2)
        let targets: [Float] = [0.1, 0.2, 0.7, 0.6, 0.4, 0, 0.5, 0.1, 0.4]
        #expect(CrossEntropy().evaluate(logits, classes: 3, .probabilities(targets)).0.correct == 3)
        #expect(DistillationLoss().evaluate(logits, classes: 3, .logits(targets)).0.correct == 3)
    }

    @Test("logits as targets are their softmax") func logitsAsTargetsAreTheirSoftmax() throws {
        let fixtures = try LossFixtures()
        let logits = try fixtures.values("logits")
        let teacher = try fixtures.file.tensor("teacher")
        let soft = try Softmax.probabilities(of: teacher).elements
        let one = CrossEntropy().evaluate(logits, classes: 5, .logits(teacher.elements))
        let other = CrossEntropy().evaluate(logits, classes: 5, .probabilities(soft))
        #expect(abs(one.0.loss - other.0.loss) < 1e-6)
        #expect(relativeError(one.1, other.1) < 1e-6)
    }

    @Test("huge logits stay finite") func hugeLogitsStayFinite() {
        let logits: [Float] = [1e4, -1e4, 0]
        let right = CrossEntropy().evaluate(logits, classes: 3, .labels([0]))
        #expect(right.0 == LossValue(loss: 0, correct: 1))
        #expect(right.1 == [0, 0, 0])
        let wrong = CrossEntropy().evaluate(logits, classes: 3, .labels([1]))
        #expect(wrong.0 == LossValue(loss: 2e4, correct: 0))
        #expect(wrong.1 == [1, -1, 0])
        let distilled = DistillationLoss(temperature: 1).evaluate(
            logits, classes: 3, .logits([-1e4, 1e4, 0]))
        #expect(distilled.0.loss == 2e4)
        #expect(distilled.1 == [1, -1, 0])
    }

    @Test("classes that are left out may be impossible") func classesThatAreLeftOutMayBeImpossible() {
        let logits: [Float] = [1, -.infinity, 1]
        let (value, gradient) = CrossEntropy().evaluate(logits, classes: 3, .labels([0]))
        #expect(abs(value.loss - log(2)) < 1e-12)
        #expect(gradient == [-0.5, 0, 0.5])
    }

    @Test(
        "undefined logits give an undefined loss",
        arguments: [
            [Float.nan, 0, 0], [0, .nan, 1], [.nan, .nan, .nan], [.infinity, 0, 0],
            [-.infinity, -.infinity, -.infinity],
        ])
    func undefinedLogitsGiveAnUndefinedLoss(_ logits: [Float]) {
        #expect(CrossEntropy().evaluate(logits, classes: 3, .labels([1])).0.loss.isNaN)
        #expect(DistillationLoss().evaluate(logits, classes: 3, .logits([0, 1, 2])).0.loss.isNaN)
        #expect(DistillationLoss().evaluate([0, 1, 2], classes: 3, .logits(logits)).0.loss.isNaN)
    }

    @Test("undefined logits are no hit") func undefinedLogitsAreNoHit() {
        #expect(CrossEntropy().evaluate([.nan, .nan], classes: 2, .labels([0])).0.correct == 0)
    }

    @Test("undefined targets give an undefined loss") func undefinedTargetsGiveAnUndefinedLoss() {
        #expect(CrossEntropy().evaluate([0, 1], classes: 2, .probabilities([.nan, 1])).0.loss.isNaN)
    }

    @Test("one class costs nothing") func oneClassCostsNothing() {
        let (value, gradient) = CrossEntropy(labelSmoothing: 0.1)
            .evaluate([3, -7], classes: 1, .labels([0, 0]))
        #expect(value == LossValue(loss: 0, correct: 2))
        #expect(gradient == [0, 0])
        #expect(DistillationLoss().evaluate([3], classes: 1, .logits([9])).0.loss == 0)
    }

    @Test("empty batch costs nothing") func emptyBatchCostsNothing() {
        let logits: [Float] = [1]
        let labels: [Int32] = [0]
        let value = labels.withUnsafeBufferPointer {
            CrossEntropy().evaluate(
                logits: logits, count: 0, classes: 1, targets: .labels($0.baseAddress!), gradient: nil)
        }
        #expect(value == LossValue(loss: 0, correct: 0))
    }

    @Test("labels out of range are named") func labelsOutOfRangeAreNamed() {
        for label: Int32 in [-1, 3, .max, .min] {
            let message = CrossEntropy().refusal(of: .labels([0, label]), count: 2, classes: 3)
            #expect(message == "label: row 1 has class \(label), but the network has 3: use 0...2")
            #expect(CrossEntropy().evaluate([0, 0, 0], classes: 3, .labels([label])).0.loss.isNaN)
        }
        #expect(CrossEntropy().refusal(of: .labels([0, 2]), count: 2, classes: 3) == nil)
    }

    @Test("settings out of range are named") func settingsOutOfRangeAreNamed() {
        let targets = OwnedTargets.logits([0, 0])
        func refusal(_ loss: any Loss) -> String? { loss.refusal(of: targets, count: 1, classes: 2) }
        for smoothing: Float in [-0.1, 1.5, .nan, .infinity] {
            #expect(refusal(CrossEntropy(labelSmoothing: smoothing))?.hasPrefix("label smoothing: ") == true)
        }
        for temperature: Float in [0, -1, .nan, .infinity] {
            #expect(refusal(DistillationLoss(temperature: temperature))?.hasPrefix("temperature: ") == true)
        }
        #expect(
            DistillationLoss().refusal(of: .labels([0]), count: 1, classes: 2)
                == "targets: distillation compares with a teacher's logits; pass these")
        #expect(DistillationLoss().evaluate([0, 0], classes: 2, .labels([0])).0.loss.isNaN)
    }

    @Test("softmax is a distribution") func softmaxIsADistribution() throws {
        let logits = try Tensor([1e4, 0, -1e4, 0, 0, 0], shape: [2, 3])
        let probabilities = try Softmax.probabilities(of: logits).elements
        #expect(probabilities == [1, 0, 0, Float(1.0 / 3), Float(1.0 / 3), Float(1.0 / 3)])
        #expect(throws: ShapeError.self) { try Softmax.probabilities(of: Tensor(repeating: 0, shape: [3])) }
    }
}
