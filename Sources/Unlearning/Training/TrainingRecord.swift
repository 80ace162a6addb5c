import Foundation
package import ImageDatasets
package import NeuralGraph

/// How a model was trained, as its file remembers it, so that it can be trained again in the same way.
package struct TrainingRecord: Sendable, Codable, Hashable {
    /// How images were changed at random.
    struct Changes: Sendable, Codable, Hashable {
        let padding: Int
        let horizontalFlipProbability: Double
    }

    /// The settings of the training.
    package var configuration: TrainingConfiguration
    /// How many examples it was trained on; nil if the file is of a version that did not note it.
    package var examples: Int?
    /// The random changes of images; nil without any.
    var changes: Changes?
    /// How the images were divided; nil for a network without shards.
    var shards: ShardRecord?

    /// Describes a training.
    package init(
        _ configuration: TrainingConfiguration, examples: Int? = nil, augmentation: Augmentation? = nil
    ) {
        self.configuration = configuration
        self.examples = examples
        changes = augmentation.map {
            Changes(padding: $0.padding, horizontalFlipProbability: $0.horizontalFlipProbability)
        }
    }

    /// How many examples the training showed, each as often as it was shown; nil if it is not known.
    var shown: Double? {
        guard let examples, examples > 0 else { return nil }
        // An epoch's last batch may be smaller.
        let batches = (examples - 1) / configuration.batchSize + 1
        return Double(examples) * Double(configuration.epochs(ofSteps: batches))
    }

    /// The random changes of images; nil without any, or if the file states impossible ones.
    package var augmentation: Augmentation? {
        changes.flatMap {
            try? Augmentation(padding: $0.padding, horizontalFlipProbability: $0.horizontalFlipProbability)
        }
    }

    /// The record as a JSON text; equal records give equal texts.
    var text: String? {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) }
    }
}

extension Model {
    /// How the model was trained; nil if its file does not say, or states impossible settings.
    package var trainingRecord: TrainingRecord? {
        get {
            guard let text = metadata.training,
                let record = try? JSONDecoder().decode(TrainingRecord.self, from: Data(text.utf8)),
                (try? record.configuration.validate()) != nil
            else { return nil }
            return record
        }
        set { metadata.training = newValue?.text }
    }

    /// How to train a network like this one: as its file remembers, or three epochs of Adam at its rate in one cycle.
    package var usualTraining: TrainingRecord {
        trainingRecord
            ?? TrainingRecord(
                TrainingConfiguration(epochs: 3, learningRate: metadata.learningRate ?? 1e-3, schedule: .oneCycle))
    }
}
