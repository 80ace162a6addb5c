import TestSupport
import Unlearning

/// Values of scikit-learn, NumPy and PyTorch, and the features and networks that they were computed from;
/// Tests/Fixtures/README.md describes them.
struct RepresentationFixture {
    static let classes = 4

    /// Few features of many examples, and many features of few.
    enum Kind: String, CaseIterable {
        case narrow
        case wide

        var sizes: (training: Int, test: Int, width: Int) { self == .narrow ? (60, 24, 8) : (12, 24, 30) }
    }

    let file: Fixture

    init() throws {
        file = try Fixture("Audit/representation.safetensors")
    }

    static func labels(_ count: Int) -> [Int] { (0..<count).map { (3 * $0 + 1) % classes } }

    static func training(_ kind: Kind) throws -> Tensor {
        try features("\(kind.rawValue).train", kind.sizes.training, kind.sizes.width)
    }

    static func test(_ kind: Kind) throws -> Tensor {
        try features("\(kind.rawValue).test", kind.sizes.test, kind.sizes.width)
    }

    private static func features(_ name: String, _ count: Int, _ width: Int) throws -> Tensor {
        let centers = try GeneratedNumbers.symmetric("features.centers", shape: [classes, width], scale: 0.8)
        var features = try GeneratedNumbers.symmetric("features.\(name)", shape: [count, width])
        for (row, label) in labels(count).enumerated() {
            for column in 0..<width { features[row * width + column] += centers[label * width + column] }
        }
        return features
    }

    /// Two convolutions, the first with batch norm, the second with stride 2, and a linear layer.
    static func tinyNetwork() throws -> Model {
        var builder = GraphBuilder(inputShape: [8, 8, 3])
        var x = try builder.convolution(builder.input, named: "conv1", channels: 6, kernelSize: 3, padding: 1)
        x = try builder.batchNormalization(x, named: "bn1")
        x = try builder.relu(x, named: "relu1")
        x = try builder.convolution(x, named: "conv2", channels: 8, kernelSize: 3, stride: 2, padding: 1)
        x = try builder.relu(x, named: "relu2")
        x = try builder.globalAveragePool(x, named: "pool")
        _ = try builder.linear(x, named: "fc", outputs: 5)
        return try GeneratedNumbers.model(builder.graph())
    }
}
