import Foundation
import Unlearning

/// Uses the library from outside: a network and an operation of its own, noise by hand, forgetting, files.
@main
struct Downstream {
    static func main() async {
        do {
            try await run()
            print("examples: all expectations met")
        } catch {
            print("examples: \(error)")
            exit(1)
        }
    }

    static func run() async throws {
        let classes = 4
        let examples = try stripes(count: 400, classes: classes, seed: 1)
        let unseen = try stripes(count: 200, classes: classes, seed: 2)

        let untrained = Model(graph: try network(classes: classes), seed: 7)
        let trainer = Trainer(
            configuration: TrainingConfiguration(epochs: 6, batchSize: 40, learningRate: 3e-3))
        let model = try await trainer.train(untrained, on: examples).model
        let before = try await Evaluator().accuracy(of: model, on: unseen, forgottenClasses: [2])
        try expect(before.all ?? 0 > 0.9, "the classifier learns its classes, found \(before.all.percentText)")

        let noise = try await NoiseMaximizer(configuration: .init(imagesPerClass: 40, steps: 10))
            .noise(classes: [2], model: model)
        try expect(
            noise[0].crossEntropies[9] > noise[0].crossEntropies[0], "noise raises the loss of its class")

        // A network of a few thousand numbers and a dozen steps: the authors' rates suit it.
        var configuration = UNSIR.Configuration.paper
        configuration.noise.imagesPerClass = 40
        configuration.impair.noiseRepetitions = 20
        configuration.impair.training.batchSize = 40
        configuration.repair.batchSize = 40
        let retain = try without(label: 2, examples)
        let unlearner = Unlearner(model: model, retaining: retain, validation: unseen, method: .unsir(configuration))
        let outcome = try await unlearner.forget(classes: [2])
        print(outcome.summary)
        try expect(outcome.accuracyAfter?.forgotten ?? 1 < 0.1, "the class is forgotten")
        try expect(outcome.accuracyAfter?.retained ?? 0 > 0.85, "the others are retained")

        let folder = FileManager.default.temporaryDirectory.appending(path: "examples-\(getpid())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "model.safetensors")
        try outcome.model.write(to: file)
        let reread = try Model(contentsOf: file, graph: outcome.model.graph)
        try expect(reread.parameters == outcome.model.parameters, "a written model reads back equal")

        try await ownMeasure(original: model, unlearned: outcome.model, training: examples, test: unseen)
