import Foundation
import NeuralGraph
import TestSupport

/// One of PyTorch's networks of Tests/Fixtures/Networks: the model, the batch it was run on, and the results.
struct NetworkFixture {
    let model: Model
    let results: Fixture
    let input: [Float]
    let labels: [Int32]

    private static let architectures: KeyValuePairs<String, any Architecture> = [
        "resnet18-imagenet": ResNet(.resnet18, stem: .imagenet, width: 0.5),
        "resnet18-small": ResNet(.resnet18, stem: .small, width: 0.5),
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

    /// The networks with units whose gradient jumps, which are all but the Transformers.
    static func names(withKinks: Bool) -> [String] { names.filter { $0.hasPrefix("vit") != withKinks } }

    /// What a batch is for.
    enum Purpose: String {
        /// One pass in either mode.
        case pass
        /// Ten steps of training.
        case descent
    }

    init(_ name: String, for purpose: Purpose = .pass) throws {
        guard let architecture = Self.architectures.first(where: { $0.key == name })?.value else {
            throw ShapeError(name, "is not a fixture")
        }
        results = try Fixture("Networks/\(name).safetensors")
        let size = Int(try results.scalar("image_size"))
        model = try GeneratedNumbers.model(architecture.graph(inputShape: [size, size, 3], classes: 10))
        let batch = Int(try results.scalar("\(purpose).batch"))
        input = try GeneratedNumbers.symmetric(
            "\(purpose).input", shape: [batch, 3, size, size], scale: 3.0.squareRoot()
        ).channelsLast().elements
        labels = (0..<batch).map { Int32((3 * $0 + 1) % 10) }
    }

    private static func transformer(_ names: VisionTransformer.Names) -> VisionTransformer {
        var network = VisionTransformer(.tiny, patch: 8, names: names)
        (network.width, network.depth, network.heads) = (24, 2, 3)
        return network
    }

    /// The gradient by the input, in PyTorch's order.
    func inputGradient(_ executor: Executor) throws -> [Double] {
        channelsFirst(executor.inputGradient.prefix(input.count).map(Double.init))
    }

    /// A batch of images in PyTorch's order.
    func channelsFirst(_ images: [Double]) -> [Double] {
        let shape = model.graph.inputShape
        let (channels, positions) = (shape.channels, shape.positions)
        return images.indices.map { index in
            let (example, place) = (index / shape.count, index % shape.count)
            return images[example * shape.count + place % positions * channels + place / positions]
        }
    }

    /// At most `count` entries at regular distances, as fixtures hold them; an odd distance meets every row, column and channel.
    static func sampled(_ values: [Double], count: Int, odd: Bool) -> [Double] {
        let distance = max(1, values.count / count)
        let entries = stride(from: 0, to: values.count, by: odd ? distance | 1 : distance)
        return (odd ? Array(entries) : Array(entries.prefix(count))).map { values[$0] }
    }

    /// The gates of the executor's last pass, which has to have kept their sources.
    func gates(of executor: Executor) throws -> ReferenceGates {
        try ReferenceGates(of: model.graph, batch: batch) { value in
            let values: [Float] =
                value.index == 0 ? input : Array(try executor.value(of: model.graph.nodes[value.index - 1].name))
            return values.prefix(batch * model.graph.shape(of: value).count).map(Double.init)
        }
    }

    /// The gradients of the loss in Double.
    func referenceGradients(mode: Mode, gates: ReferenceGates? = nil) -> ReferenceGradients {
        ReferenceNetwork(model).gradients(
            input: ReferenceTensor(input.map(Double.init), batch: batch, shape: model.graph.inputShape), mode: mode,
            gates: gates
        ) { logits in
            let classes = model.classCount
            return labels.enumerated().flatMap { row, label in
                let scores = logits[(row * classes)..<((row + 1) * classes)]
                let largest = scores.max() ?? 0
                let powers = scores.map { exp($0 - largest) }
                let sum = powers.reduce(0, +)
                return powers.enumerated().map { ($1 / sum - (Int(label) == $0 ? 1 : 0)) / Double(batch) }
            }
        }
    }

    var batch: Int { labels.count }

    /// Runs a forward pass, the loss and a backward pass.
    func step(_ executor: Executor, mode: Mode) throws -> LossValue {
        _ = executor.input.update(fromContentsOf: input)
        try executor.forward(batch: batch, mode: mode)
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
        try executor.backward()
        return loss ?? LossValue(loss: .nan, correct: 0)
    }
}
