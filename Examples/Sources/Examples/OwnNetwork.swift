import Foundation
import Unlearning

/// Two convolutions with batch norm, for images of any size.
struct StripeNet: Architecture {
    var channels = 16

    var identifier: ArchitectureIdentifier {
        ArchitectureIdentifier(name: "stripe-net", options: ["channels": "\(channels)"])
    }

    var endTensors: (first: String, last: String) { ("block0.conv.weight", "head.weight") }

    func graph(inputShape: TensorShape, classes: Int) throws(ShapeError) -> Graph {
        var net = GraphBuilder(inputShape: inputShape)
        var x = net.input
        for (index, channels) in [channels, 2 * channels].enumerated() {
            x = try net.scope("block\(index)") { net in
                x = try net.convolution(
                    x, named: "conv", channels: channels, kernelSize: 3, stride: Size2D(index + 1), padding: 1,
                    bias: false)
                x = try net.batchNormalization(x, named: "norm")
                return try net.relu(x, named: "relu")
            }
        }
        x = try net.globalAveragePool(x, named: "pool")
        _ = try net.linear(x, named: "head", outputs: classes)
        return try net.graph()
    }
}

extension AllExamples {
    /// The code of the article *My own network*.
    static func ownNetwork(_ examples: TensorExamples, _ unseen: TensorExamples, file: URL) async throws {
        let network = StripeNet(channels: 16)
        let untrained = Model(
            graph: try network.graph(inputShape: [12, 12, 1], classes: 4),
            metadata: ModelMetadata(
                architecture: network.identifier, classNames: ["-", "/", "|", "\\"]),
            seed: 7)

        let trainer = Trainer(
            configuration: TrainingConfiguration(epochs: 6, batchSize: 40, learningRate: 3e-3))
        let model = try await trainer.train(untrained, on: examples).model
        let accuracy = try await Evaluator().accuracy(of: model, on: unseen)
        try expect(accuracy.all ?? 0 > 0.9, "the classifier learns its classes")

        let forget = try model.classIndices(of: ClassList(["|"]))
        let unlearner = Unlearner(
            model: model, retaining: try without(label: 2, examples), validation: unseen)
        let outcome = try await unlearner.forget(classes: forget)
        print(outcome.summary)
        try expect(outcome.accuracyAfter?.forgotten ?? 1 < 0.1, "the class is forgotten")
        try expect(outcome.accuracyAfter?.retained ?? 0 > 0.85, "the others are retained")

        try outcome.model.writeSafetensors(to: file)
        let reread = try Model(safetensors: file, as: StripeNet(channels: 16))
        try expect(reread.parameters == outcome.model.parameters, "a written model reads back equal")
    }
}
