import NeuralGraph
import TestSupport

/// One of PyTorch's networks of Tests/Fixtures/Networks: the model, the batch it was run on, and the results.
struct NetworkFixture {
    let model: Model
    let results: Fixture
    let input: [Float]
    let labels: [Int32]

    static let names = ["resnet18-imagenet", "resnet18-small", "allcnn", "allcnn-bn", "vit-timm", "vit-torchvision"]

    /// - Parameters:
    ///   - mode: the results of which mode the batch is for.
    ///   - descent: whether the batch is the larger one that a training was run on.
    init(_ name: String, mode: Mode = .training, descent: Bool = false) throws {
        let architectures: [String: any Architecture] = [
            "resnet18-imagenet": ResNet18(stem: .imagenet), "resnet18-small": ResNet18(stem: .small),
            "allcnn": AllCNN(normalizes: false, dropout: 0), "allcnn-bn": AllCNN(normalizes: true, dropout: 0),
            "vit-timm": Self.transformer(.timm), "vit-torchvision": Self.transformer(.torchvision),
        ]
        guard let architecture = architectures[name] else { throw ShapeError(name, "is not a fixture") }
        model = try GeneratedNumbers.model(architecture.graph(inputShape: [32, 32, 3], classes: 10))
        results = try Fixture("Networks/\(name).safetensors")
        let index = try results.scalar(mode == .training ? "training.input_index" : "inference.input_index")
        let inputName = descent ? "descent.input" : "input.\(Int(index))"
        let batch = descent ? Int(try results.scalar("descent.batch")) : 4
        input = try GeneratedNumbers.symmetric(inputName, shape: [batch, 3, 32, 32], scale: 3.0.squareRoot())
            .channelsLast().elements
        labels = (0..<batch).map { Int32((3 * $0 + 1) % 10) }
    }

    private static func transformer(_ names: VisionTransformer.Names) -> VisionTransformer {
        var network = VisionTransformer(.tiny, patch: 8, names: names)
        (network.width, network.depth, network.heads) = (24, 2, 3)
        return network
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
