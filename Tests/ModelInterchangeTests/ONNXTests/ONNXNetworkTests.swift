import Foundation
import ModelInterchange
import NeuralGraph
import TestSupport
import Testing

/// Files of both of PyTorch's exporters, against PyTorch's results in Double; see Tests/Fixtures/ONNX.
@Suite("ONNX network", .tags(.files)) struct ONNXNetworkTests {
    static let networks = [
        "plain", "mobile", "shuffle", "convnext", "transformer", "fused-transformer", "various",
    ]
    static let files = networks.flatMap { name in ["old", "new"].map { "\(name)-\($0)" } }

    @Test("computes what PyTorch does", arguments: files)
    func computesWhatPyTorchDoes(_ file: String) throws {
        let model = try Model(contentsOf: fixture("ONNX/\(file).onnx"))
        try Self.compare(model, with: Fixture("ONNX/\(Self.network(file)).safetensors"), file)
    }

    @Test("exports without its file", arguments: files)
    func exportsWithoutItsFile(_ file: String) throws {
        let folder = try TemporaryFolder()
        var model = try Model(contentsOf: fixture("ONNX/\(file).onnx"))
        model.origin = nil
        let url = folder.file("exported.onnx")
        try model.write(to: url)
        let again = try Model(contentsOf: url)
        try Self.compare(again, with: Fixture("ONNX/\(Self.network(file)).safetensors"), "\(file), exported")
    }

    @Test("writes an untouched model byte for byte", arguments: files)
    func writesAnUntouchedModelByteForByte(_ file: String) throws {
        let folder = try TemporaryFolder()
        let source = fixture("ONNX/\(file).onnx")
        let url = folder.file("same.onnx")
        try Model(contentsOf: source).write(to: url)
        #expect(try Data(contentsOf: url) == Data(contentsOf: source))
    }

    @Test("writes trained weights back", arguments: files)
    func writesTrainedWeightsBack(_ file: String) throws {
        let folder = try TemporaryFolder()
        let source = fixture("ONNX/\(file).onnx")
        let trained = try Self.trained(Model(contentsOf: source))
        let url = folder.file("trained.onnx")
        try trained.write(to: url)
        let again = try Model(contentsOf: url)
        #expect(again.parameters == trained.parameters)
        for (key, tensor) in trained.state where !key.hasSuffix("num_batches_tracked") {
            #expect(again.state[key] == tensor, "\(key)")
        }
        #expect(again.graph.nodes.map(\.name) == trained.graph.nodes.map(\.name))
    }

    /// Every stored tensor with a fraction is a parameter, or it is known why not.
    @Test("trains what is stored", arguments: files)
    func trainsWhatIsStored(_ file: String) throws {
        let model = try Model(contentsOf: fixture("ONNX/\(file).onnx"))
        let origin = try #require(model.origin as? ONNXOrigin)
        let trained = Set(model.graph.parameters.filter(\.specification.isTrained).map(\.key))
        let names = Self.network(file) == "various" ? ["conv1.weight", "fc.weight"] : []
        #expect(trained.isSuperset(of: names))
        for name in origin.stored.bindings.keys where model.state[name] == nil {
            // Only what is applied to the images before the first weight stays as it is, and single numbers.
            #expect(trained.contains(name) || [1, 3].contains(model.parameters[name]?.count), "\(name)")
        }
        let run = try EngineRun(
            model, input: Self.input(model), outputGradient: [Float](repeating: 1, count: 2 * model.classCount))
        #expect(Set(run.parameterGradients.keys) == trained)
        for (key, gradient) in run.parameterGradients { #expect(gradient.isFinite, "\(key)") }
    }

    @Test("the last block of a transformer computes the class token alone", arguments: ["old", "new"])
    func lastBlock(_ exporter: String) throws {
        let model = try Model(contentsOf: fixture("ONNX/transformer-\(exporter).onnx"))
        let executed = ExecutionSummary(model: model, batchCapacity: 2, computing: .parameters).nodes
        let hidden = executed.filter { $0.operation.hasPrefix("Linear") && $0.output.channels == 24 }
        #expect(hidden.map(\.output) == [[17, 24], [1, 24]])
    }

    /// Factors of a matrix product and of its bias, on rows that are examples.
    @Test("scales a general product") func scalesAGeneralProduct() throws {
        let folder = try TemporaryFolder()
        let url = folder.file("scaled.onnx")
        var file = GraphFile()
        file.tensors = [
            GraphFile.tensor("w", [4, 2], [1, 2, 3, 4, 5, 6, 7, 8]), GraphFile.tensor("b", [1, 2], [10, 20]),
        ]
        file.nodes = [
            GraphFile.node("Gemm", ["x", "w", "b"], ["y"]) { node in
                for (name, value) in [("alpha", Float(0.5)), ("beta", 2)] {
                    node.message(5) { attribute in
                        attribute.string(1, name)
                        attribute.float(2, value)
                        attribute.integer(20, 1)
                    }
                }
            }
        ]
        try overwrite(url, with: file.bytes)
        let model = try Model(onnx: url)
        let run = try EngineRun(model, input: [1, 0, 0, 0, 1, 1, 1, 1], outputGradient: [1, 0, 0, 1])
        #expect(run.output == [20.5, 41, 28, 50])
        #expect(run.parameterGradients["w"]?.elements == [0.5, 0, 0, 0, 0.5, 0.5, 0.5, 0.5])
    }

    /// One step along the gradients of all parameters, in training mode.
    static func trained(_ model: Model) throws -> Model {
        var random = SeededRandom(seed: 1, stream: "output gradient")
        let gradient = (0..<(2 * model.classCount)).map { _ in Float(random.normal()) }
        let run = try EngineRun(model, input: input(model), outputGradient: gradient)
        var changed: [String: Tensor] = run.model.state
        for (key, tensor) in model.parameters {
            guard let slope = run.parameterGradients[key] else { continue }
            let elements = zip(tensor.elements, slope.elements).map { $0 - 0.01 * $1 }
            changed[key] = try Tensor(elements, shape: tensor.shape)
        }
        return try model.replacing(changed)
    }

    static func input(_ model: Model) -> [Float] {
        var random = SeededRandom(seed: 2, stream: "input")
        return (0..<(2 * model.graph.inputShape.count)).map { _ in Float(random.normal()) }
    }

    static func network(_ file: String) -> String { String(file.dropLast(4)) }

    static func compare(_ model: Model, with results: Fixture, _ place: String) throws {
        let run = try EngineRun(
            model, input: try channelsLast(results.tensor("input")), outputGradient: try results.values("weights"),
            EngineRun.Options().with {
                $0.mode = .inference
                $0.request = .input
            })
        let logits = relativeDifference(run.output, from: try results.values("logits"))
        #expect(logits <= 1e-4, "\(place): logits differ by \(logits)")
        let expected = try channelsLast(results.tensor("input_gradient"))
        let gradient = relativeDifference(run.inputGradient, from: expected)
        #expect(gradient <= 1e-3, "\(place): the input gradient differs by \(gradient)")
    }

    static func channelsLast(_ tensor: Tensor) throws -> [Float] {
        tensor.shape.rank == 4 ? try tensor.transposed([0, 2, 3, 1]).elements : tensor.elements
    }
}
