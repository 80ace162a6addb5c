import NeuralGraph
import TestSupport

/// One of PyTorch's networks of Tests/Fixtures/Networks: the model, the batch it was run on, and the results.
struct NetworkFixture {
    let model: Model
    let results: Fixture
    let input: [Float]
    let labels: [Int32]

    private static let architectures: KeyValuePairs<String, any Architecture> = [
        "resnet18-imagenet": ResNet(.resnet18, stem: .imagenet), "resnet18-small": ResNet(.resnet18, stem: .small),
        "resnet34-imagenet": ResNet(.resnet34, stem: .imagenet, width: 0.25),
        "resnet50-small": ResNet(.resnet50, stem: .small, width: 0.25),
        "mobilenet_v2-imagenet": MobileNetV2(width: 0.25, stem: .imagenet, dropout: 0),
        "mobilenet_v2-small": MobileNetV2(width: 0.25, stem: .small, dropout: 0),
        "vgg16_bn": VGG16(width: 0.125, dropout: 0),
        "efficientnet_lite0": EfficientNetLite0(origin: .pytorch, width: 0.25, dropout: 0),
        "tf_efficientnet_lite0": EfficientNetLite0(origin: .tensorflow, width: 0.25, dropout: 0),
        "allcnn": AllCNN(normalizes: false, dropout: 0), "allcnn-bn": AllCNN(normalizes: true, dropout: 0),
        "vit-timm": transformer(.timm), "vit-torchvision": transformer(.torchvision),
    ]

    static let names = architectures.map(\.key)

    /// What a batch is for.
    enum Purpose {
        /// Images that are smooth in inference mode, each on its own.
        case inference
        /// A batch that is smooth in training mode.
        case training
        /// The larger one that a training was run on.
        case descent
    }

    init(_ name: String, for purpose: Purpose = .training) throws {
        guard let architecture = Self.architectures.first(where: { $0.key == name })?.value else {
            throw ShapeError(name, "is not a fixture")
        }
        results = try Fixture("Networks/\(name).safetensors")
        let size = Int(try results.scalar("image_size"))
        model = try GeneratedNumbers.model(architecture.graph(inputShape: [size, size, 3], classes: 10))
        func images(_ name: String, _ count: Int) throws -> [Float] {
            try GeneratedNumbers.symmetric(name, shape: [count, 3, size, size], scale: 3.0.squareRoot())
                .channelsLast().elements
        }
        let batch: Int
        switch purpose {
        case .inference:
            let chosen = try results.values("inference.images")
            batch = chosen.count
            input = try chosen.flatMap { try images("image.\(Int($0))", 1) }
        case .training:
            batch = 4
            input = try images("input.\(Int(results.scalar("training.input_index")))", batch)
        case .descent:
            batch = Int(try results.scalar("descent.batch"))
            input = try images("descent.input", batch)
        }
        labels = (0..<batch).map { Int32((3 * $0 + 1) % 10) }
    }

    private static func transformer(_ names: VisionTransformer.Names) -> VisionTransformer {
        var network = VisionTransformer(.tiny, patch: 8, names: names)
        (network.width, network.depth, network.heads) = (24, 2, 3)
        return network
    }

    /// The entries of an input gradient that fixtures hold, in PyTorch's order.
    func sampledInputGradient(_ executor: Executor) throws -> [Float] {
        let shape = Shape([batch] + model.graph.inputShape.dimensions)
        let gradient = try Tensor(Array(executor.inputGradient[..<shape.count]), shape: shape).channelsFirst()
        let step = max(1, shape.count / 2048) | 1
        return stride(from: 0, to: shape.count, by: step).map { gradient[$0] }
    }

    var batch: Int { labels.count }

    /// Runs a forward pass, the loss and a backward pass.
    func step(_ executor: Executor, mode: Mode) -> LossValue {
        _ = executor.input.update(fromContentsOf: input)
        executor.forward(batch: batch, mode: mode)
        guard let logits = executor.output.baseAddress, let gradient = executor.outputGradient.baseAddress else {
            return LossValue(loss: .nan, correct: 0)
        }
        let loss = labels.withUnsafeBufferPointer { labels in
            labels.baseAddress.map {
                CrossEntropy().evaluate(
                    logits: logits, count: batch, classes: model.classCount, targets: .labels($0),
                    gradient: gradient)
            }
        }
        executor.backward()
        return loss ?? LossValue(loss: .nan, correct: 0)
    }
}
