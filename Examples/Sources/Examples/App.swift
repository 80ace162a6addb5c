import Foundation
import ModelInterchange
import Unlearning

/// What an app does: reads a model, makes it forget classes, and writes it.
/// - Parameters:
///   - file: a safetensors or ONNX file; it is not changed.
///   - classes: the classes to forget, by index.
///   - retain: images or examples of the other classes.
///   - destination: where the new model goes, in the same format if the name ends like the file's.
/// - Returns: the new model's summary for people.
func forget(
    _ classes: Set<Int>, in file: URL, retaining retain: any LabeledData, writingTo destination: URL
) async throws -> String {
    let model = try Model(contentsOf: file)
    let unlearner = Unlearner(model: model, retaining: retain)
    let outcome = try await unlearner.forget(classes: classes) { progress in
        if progress.step == progress.stepCount { print("\(progress.phase): \(progress.stepCount) steps") }
    }
    try outcome.model.write(to: destination)
    return outcome.summary
}

extension AllExamples {
    /// Runs the function above on a narrow ResNet-18.
    static func app(_ examples: TensorExamples, _ unseen: TensorExamples, folder: URL) async throws {
        let network = ResNet(.resnet18, stem: .small, width: 0.25)
        let untrained = Model(
            graph: try network.graph(inputShape: examples.exampleShape, classes: 4),
            metadata: ModelMetadata(architecture: network.identifier), seed: 3)
        let trainer = Trainer(configuration: TrainingConfiguration(epochs: 4, batchSize: 40, schedule: .oneCycle))
        let file = folder.appending(path: "original.safetensors")
        try await trainer.train(untrained, on: examples).model.writeSafetensors(to: file)

        let destination = folder.appending(path: "forgotten.safetensors")
        print(try await forget([2], in: file, retaining: without(label: 2, examples), writingTo: destination))

        let model = try Model(safetensors: destination)
        let accuracy = try await Evaluator().accuracy(of: model, on: unseen, forgottenClasses: [2])
        try expect(model.metadata.forgottenClasses == [2], "the file remembers what was forgotten")
        try expect(accuracy.forgotten ?? 1 < 0.1, "the app's model forgets, found \(accuracy.forgotten ?? 1)")
        try expect(accuracy.retained ?? 0 > 0.85, "and retains, found \(accuracy.retained ?? 0)")
    }
}
