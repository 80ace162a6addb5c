import ImageDatasets
import NeuralGraph

/// Examples under other labels.
struct RelabeledExamples: ExampleSource {
    let source: any ExampleSource
    /// One class an example.
    let classes: [Int]

    var count: Int { source.count }
    var exampleShape: TensorShape { source.exampleShape }
    var isDecodedOnRead: Bool { source.isDecodedOnRead }

    func label(at index: Int) -> Int { classes[index] }

    func write(_ index: Int, augmentationSeed: UInt64?, into target: UnsafeMutablePointer<Float>) throws {
        try source.write(index, augmentationSeed: augmentationSeed, into: target)
    }
}

extension ExampleSource {
    /// The examples under labels drawn evenly from all classes that are not excluded, or from those of them that are wrong
    /// for the example.
    func relabeled(
        classCount: Int, incorrectly: Bool, excluding excluded: Set<Int> = [], seed: UInt64
    ) -> RelabeledExamples {
        var random = SeededRandom(seed: seed, stream: "labels")
        let labels = (0..<count).map { index in
            let own = label(at: index)
            let choices = (0..<classCount).filter { !(incorrectly && $0 == own) && !excluded.contains($0) }
            // One class alone leaves nothing to choose from.
            return choices.isEmpty ? own : choices[random.integer(below: choices.count)]
        }
        return RelabeledExamples(source: self, classes: labels)
    }
}
