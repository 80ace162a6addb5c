import Foundation
public import Unlearning

/// The run that made a model forget, as kept in records.
public struct ForgettingRun: Sendable, Codable, Hashable {
    /// The method's name; nil in records of versions that had only UNSIR.
    public let method: String?
    /// UNSIR's settings; nil for other methods.
    package let configuration: UNSIR.Configuration?
    /// The settings of other methods than UNSIR as JSON.
    package let settings: String?
    /// The seed of everything random.
    public let seed: UInt64
    /// The durations in seconds by phase, such as `noise`, `impair` and `repair`.
    package let phaseSeconds: [String: Double]
    /// The loss of each step by phase; for noise the objective.
    package let losses: [String: [Double]]
    /// Accuracy on the validation data after phases that it was measured after, such as `impair`; nil if there were none.
    package let accuracies: [String: StepAccuracy]?
    /// The images that the run saw; nil if they are not from a data set.
    package let retained: RetainList?
    /// The file's other classifiers, which were not made to forget; nil if it has none.
    package let otherOutputs: [OtherOutput]?
    /// What the run was set to, with every setting resolved; nil in records of a run that did not say.
    package let resolved: RunConfiguration?
    /// What the run computed with, on which its last bits depend; nil in records of older versions.
    package let environment: ComputingEnvironment?
    /// Which algorithms it used: `fast` or `strict`; nil in records of older versions.
    package let algorithms: String?
    /// What the factors of products were rounded to; nil for 32-bit floats, as they are.
    package let precision: Precision?
    /// Images in each part of a batch; nil for batches as a whole. The number of processes makes no difference.
    package let shardSize: Int?
    /// The classes that this run was asked to forget; nil in records of older versions.
    package let requestedClasses: [Int]?
    /// The classes whose outputs were removed from the network after the audit; nil if none were.
    package let droppedOutputs: [Int]?

    /// Takes a run from its outcome.
    /// - Parameters:
    ///   - outcome: the run's outcome.
    ///   - retained: the images that the run saw.
    public init(_ outcome: UnlearningOutcome, retained: RetainList? = nil) {
        self.init(outcome, retained: retained, otherOutputs: [])
    }

    package init(
        _ outcome: UnlearningOutcome, retained: RetainList? = nil, otherOutputs: [OtherOutput],
        resolved: RunConfiguration? = nil, droppedOutputs: [Int] = []
    ) {
        self.droppedOutputs = droppedOutputs.isEmpty ? nil : droppedOutputs
        self.resolved = resolved
        environment = .current
        algorithms = "\(outcome.options.algorithms)"
        precision = outcome.options.precision == .float32 ? nil : outcome.options.precision
        shardSize = outcome.options.sharding?.size
        requestedClasses = outcome.forgottenClasses.sorted()
        self.otherOutputs = otherOutputs.isEmpty ? nil : otherOutputs
        method = outcome.method.name
        configuration = outcome.configuration
        settings = outcome.configuration == nil ? Self.settings(of: outcome.method) : nil
        seed = outcome.options.seed
        phaseSeconds = Dictionary(
            uniqueKeysWithValues: outcome.phaseTimes.map { ($0.key.rawValue, $0.value.seconds) })
        losses = Dictionary(uniqueKeysWithValues: outcome.losses.map { ($0.key.rawValue, $0.value) })
        accuracies =
            outcome.accuracies.isEmpty
            ? nil
            : Dictionary(uniqueKeysWithValues: outcome.accuracies.map { ($0.key.rawValue, StepAccuracy($0.value)) })
        self.retained = retained
    }

    /// Encodes a method's settings as JSON with sorted keys; nil if a custom method's settings cannot be encoded.
    private static func settings(of method: any UnlearningMethod) -> String? {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(method)).map { String(decoding: $0, as: UTF8.self) }
    }
}

/// Accuracy after one of a run's phases, each 0 to 1.
package struct StepAccuracy: Sendable, Codable, Hashable {
    /// On the forgotten classes; nil if the data have none of them.
    package let forgotten: Double?
    /// On the other classes; nil if the data have none of them.
    package let retained: Double?

    init(_ accuracy: Accuracy) {
        (forgotten, retained) = (accuracy.forgotten, accuracy.retained)
    }
}

/// The images that a run saw, as a digest, so that a record can identify them without holding them.
public struct RetainList: Sendable, Codable, Hashable {
    /// The data set's name, such as `Fashion-MNIST (train)`.
    package let dataset: String
    /// The number of images.
    package let count: Int
    /// The digest of the list of images.
    ///
    /// The list has a line for each image in order: its position in the data set and its class as decimal numbers,
    /// separated by a space and ended by a line feed.
    package let sha256: SHA256Digest

    /// Lists the images of a subset.
    public init(_ samples: ImageSubset) { self.init(samples, named: samples.name) }

    /// Lists the images of a subset of a data set that the record calls by another name.
    package init(_ samples: ImageSubset, named name: String) {
        dataset = name
        count = samples.count
        var lines = ""
        for (position, index) in samples.indices.enumerated() {
            lines += "\(index) \(samples.label(at: position))\n"
        }
        sha256 = SHA256Digest(of: Data(lines.utf8))
    }
}
