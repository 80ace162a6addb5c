import Foundation
import Unlearning

/// What scikit-learn, SciPy and PyTorch say; written by Tests/Fixtures/Audit/make_fixtures.py.
struct AuditFixture: Decodable {
    struct Outputs: Decodable {
        let labels: [Int]
        let first: [Float]
        let second: [Float]
        let accuracy: Double
        let recalls: [Double]
        let confusion: [Double]
        let totalVariation: [Double]
        let jensenShannon: [Double]
        let softmaxDistance: [Double]
        let agreement: Double
        let entropies: [Double]
        let histogram: [Double]
        let spread: Double
        let confidences: [Double]
        let losses: [Double]
        let logits: [Double]

        static let classes = 5
        static let forgotten = 2

        func predictions(_ logits: [Float]) throws -> Predictions {
            try Predictions(logits: Tensor(logits, shape: [labels.count, Self.classes]))
        }
    }

    struct Regression: Decodable {
        let members: [Double]
        let others: [Double]
        let asked: [Double]
        let weight: Double
        let intercept: Double
        let share: Double
    }

    struct LossAttackCase: Decodable {
        let members: [Double]
        let others: [Double]
        let memberFolds: [Int]
        let otherFolds: [Int]
        let balancedAccuracy: Double
    }

    struct LikelihoodRatio: Decodable {
        let attacked: [Double]
        let seen: [[Double]]
        let unseen: [[Double]]
        let scores: [Double]
        let curveScores: [Double]
        let members: Int
        let area: Double
        let rates: [Double]
        let truePositiveRates: [Double]
    }

    struct BootstrapCase: Decodable {
        let scores: [Double]
        let lower: Double
        let upper: Double
        let values: [Double]
        let shares: [Double]
        let quantiles: [Double]
    }

    let outputs: Outputs
    let membership: [String: Regression]
    let lossAttack: LossAttackCase
    let likelihoodRatio: LikelihoodRatio
    let bootstrap: BootstrapCase

    static func read<Content: Decodable>(_ type: Content.Type = AuditFixture.self, _ name: String = "outputs.json")
        throws -> Content
    {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "Fixtures/Audit")
        return try JSONDecoder().decode(type, from: Data(contentsOf: folder.appending(path: name)))
    }
}

/// PyTorch's run of a small network that learns a class again.
struct RelearningFixture: Decodable {
    struct Weights: Decodable {
        let shape: [Int]
        let elements: [Float]
    }

    let weights: [String: Weights]
    let rate: Double
    let steps: Int
    let accuracies: [Double]
    let forgotten: [Float]
    let retained: [Float]
    let measured: [Float]
    let retainedLabels: [Int]

    /// Six features, four classes, of which the last is to be learned.
    func model() throws -> Model {
        func tensor(_ name: String) throws -> Tensor {
            let stored = weights[name] ?? Weights(shape: [0], elements: [])
            return try Tensor(stored.elements, shape: TensorShape(stored.shape))
        }
        return try Model(
            graph: vectorNetwork(features: 6, classes: 4),
            stateDictionary: [
                "fc0.weight": tensor("0.weight"), "fc0.bias": tensor("0.bias"), "fc1.weight": tensor("2.weight"),
                "fc1.bias": tensor("2.bias"),
            ])
    }

    func examples(_ values: [Float], labels: [Int]? = nil) throws -> TensorExamples {
        let count = values.count / 6
        return try TensorExamples(
            Tensor(values, shape: [count, 6]), labels: labels ?? [Int](repeating: 3, count: count))
    }
}

/// The largest difference of two lists; infinite if their lengths differ or a number is undefined.
func largestDifference(_ result: [Double], _ expected: [Double]) -> Double {
    guard result.count == expected.count else { return .infinity }
    return zip(result, expected).reduce(0) { $1.0.isNaN ? .infinity : max($0, abs($1.0 - $1.1)) }
}
