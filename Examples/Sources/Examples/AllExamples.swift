import Foundation
import Unlearning

/// Uses the library from outside: a network and an operation of its own, noise by hand, forgetting, files.
@main
struct AllExamples {
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
        try expect(before.all ?? 0 > 0.9, "the classifier learns its classes, found \(before.all ?? 0)")

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
        try outcome.model.writeSafetensors(to: file)
        let reread = try Model(safetensors: file, graph: outcome.model.graph)
        try expect(reread.parameters == outcome.model.parameters, "a written model reads back equal")

        try await ownMeasure(original: model, unlearned: outcome.model, training: examples, test: unseen)
        try await app(examples, unseen, folder: folder)
        try await ownNetwork(examples, unseen, file: file)
        try await ownMethods(model, examples, unseen)
        try ownOperation()
    }

    /// A small convolutional network with an operation that the library does not have.
    static func network(classes: Int) throws -> Graph {
        var builder = GraphBuilder(inputShape: [12, 12, 1])
        var x = try builder.convolution(
            builder.input, named: "conv1", channels: 16, kernelSize: 3, padding: 1, bias: false)
        x = try builder.batchNormalization(x, named: "norm1")
        x = try builder.add(Softsign(), named: "softsign", x)
        x = try builder.convolution(x, named: "conv2", channels: 32, kernelSize: 3, stride: 2, padding: 1)
        x = try builder.relu(x, named: "relu2")
        x = try builder.globalAveragePool(x, named: "pool")
        _ = try builder.linear(x, named: "head", outputs: classes)
        return try builder.graph()
    }

    /// Noisy stripes: the class is their direction.
    static func stripes(count: Int, classes: Int, seed: UInt64) throws -> TensorExamples {
        var random = SeededRandom(seed: seed)
        let side = 12
        var values: [Float] = []
        for example in 0..<count {
            let angle = Double.pi * Double(example % classes) / Double(classes)
            let phase = 2 * Double.pi * random.uniform()
            for row in 0..<side {
                for column in 0..<side {
                    let position = Double(column) * cos(angle) + Double(row) * sin(angle)
                    values.append(Float(sin(1.6 * position + phase) + 0.3 * random.normal()))
                }
            }
        }
        return try TensorExamples(
            Tensor(values, shape: [count, side, side, 1]), labels: (0..<count).map { $0 % classes })
    }

    static func without(label: Int, _ examples: TensorExamples) throws -> TensorExamples {
        let kept = (0..<examples.count).filter { examples.label(at: $0) != label }
        let (inputs, labels) = try examples.tensor(at: kept)
        return try TensorExamples(inputs, labels: labels)
    }

    static func expect(_ condition: Bool, _ message: String) throws {
        guard condition else { throw Failure(message: "not met: \(message)") }
    }
}

struct Failure: Error, CustomStringConvertible {
    let message: String
    var description: String { message }
}

/// x / (1 + |x|): an operation from outside the library.
struct Softsign: GraphOperation, Kernel {
    var kind: String { "Softsign" }
    var count = 0
    var backwardReads: BackwardReads { .inputs }

    func outputShape(for inputs: [TensorShape], node: String) throws(ShapeError) -> TensorShape {
        guard inputs.count == 1 else { throw ShapeError(node, "softsign takes one input, not \(inputs.count)") }
        return inputs[0]
    }

    func kernel(for request: KernelRequest) -> any Kernel { Softsign(count: request.output.count) }

    func forward(_ pass: ForwardPass) {
        for index in 0..<pass.batch * count {
            let x = pass.inputs[0][index]
            pass.output[index] = x / (1 + abs(x))
        }
    }

    func backward(_ pass: BackwardPass) {
        guard let dx = pass.inputGradients[0] else { return }
        for index in 0..<pass.batch * count {
            let root = 1 + abs(pass.forward.inputs[0][index])
            let gradient = pass.outputGradient[index] / (root * root)
            dx.pointer[index] = dx.accumulates ? dx.pointer[index] + gradient : gradient
        }
    }
}
