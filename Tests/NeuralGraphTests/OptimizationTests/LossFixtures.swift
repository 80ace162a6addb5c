import Foundation
import ModelFiles
import NeuralGraph

/// PyTorch's losses, trajectories and schedules; Tests/Fixtures/README.md describes the keys.
struct LossFixtures {
    let file: SafetensorsFile

    init() throws {
        let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        file = try SafetensorsFile(contentsOf: tests.appending(path: "Fixtures/Losses/losses.safetensors"))
    }

    func values(_ name: String) throws -> [Float] { try file.tensor(name).elements }

    /// `2u - 1` of a tensor's name, as Tests/Fixtures/generator.py.
    static func symmetric(_ name: String, count: Int) -> [Float] {
        var seed: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in name.utf8 { seed = (seed ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return (1...count).map { index in
            var z = seed &+ UInt64(index) &* 0x9e37_79b9_7f4a_7c15
            z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
            z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
            z ^= z >> 31
            return Float(2 * Double(z >> 40) * 0x1p-24 - 1)
        }
    }
}

/// `|a - b| / |b|` in Euclidean norm.
func relativeError(_ values: [Float], _ expected: [Float]) -> Double {
    var (difference, norm) = (0.0, 0.0)
    for (value, reference) in zip(values, expected) {
        difference += pow(Double(value) - Double(reference), 2)
        norm += pow(Double(reference), 2)
    }
    guard values.count == expected.count else { return .infinity }
    return norm > 0 ? (difference / norm).squareRoot() : difference.squareRoot()
}

/// Targets that own their memory.
enum OwnedTargets: Sendable {
    case labels([Int32])
    case probabilities([Float])
    case logits([Float])

    // An empty array would be a fault of the test.
    // swift-format-ignore: NeverForceUnwrap
    func withTargets<Result>(_ body: (Targets) -> Result) -> Result {
        switch self {
        case .labels(let values): values.withUnsafeBufferPointer { body(.labels($0.baseAddress!)) }
        case .probabilities(let values):
            values.withUnsafeBufferPointer { body(.probabilities($0.baseAddress!)) }
        case .logits(let values): values.withUnsafeBufferPointer { body(.logits($0.baseAddress!)) }
        }
    }
}

extension Loss {
    /// The loss and its gradient for arrays.
    func evaluate(_ logits: [Float], classes: Int, _ targets: OwnedTargets) -> (LossValue, [Float]) {
        var gradient = [Float](repeating: .nan, count: logits.count)
        let count = logits.count / classes
        let value = targets.withTargets { targets in
            evaluate(logits: logits, count: count, classes: classes, targets: targets, gradient: &gradient)
        }
        return (value, gradient)
    }

    /// Whether targets are refused, and how.
    func refusal(of targets: OwnedTargets, count: Int, classes: Int) -> String? {
        targets.withTargets { targets in
            do {
                try validate(targets: targets, count: count, classes: classes)
                return nil
            } catch {
                return "\(error)"
            }
        }
    }
}
