import Foundation
import ModelInterchange
import NeuralGraph
import TestSupport
import Testing

/// Packages and files that coremltools wrote, against PyTorch's results in Double; see Tests/Fixtures/CoreML.
@Suite("Core ML network", .tags(.files)) struct CoreMLNetworkTests {
    static let networks = [
        "plain", "mobile", "shuffle", "convnext", "transformer", "fused-transformer", "various", "preactivation",
    ]
    static let full = networks.flatMap { ["\($0)-32.mlpackage", "\($0).mlmodel"] }
    static let half = networks.map { "\($0)-16.mlpackage" } + ["five-axes.mlmodel"]
    static let files = full + half

    @Test("computes what PyTorch does", arguments: full)
    func computesWhatPyTorchDoes(_ file: String) throws {
        let model = try Model(contentsOf: fixture("CoreML/\(file)"))
        try ONNXNetworkTests.compare(model, with: Self.results(file), file)
    }

    /// The bound is float16's; the results are those of weights that were not rounded.
    @Test("computes what PyTorch does, with 16-bit weights", arguments: half)
    func computesWithHalfWeights(_ file: String) throws {
        let model = try Model(contentsOf: fixture("CoreML/\(file)"))
        let results = try Self.results(file)
        let difference = try Self.difference(model, from: results)
        #expect(difference <= 1e-2, "\(file): logits differ by \(difference)")
        #expect(difference > 0)
    }

    @Test("writes an untouched model byte for byte", arguments: files)
    func writesAnUntouchedModelByteForByte(_ file: String) throws {
        let folder = try TemporaryFolder()
        let source = fixture("CoreML/\(file)")
        let url = folder.file(source.lastPathComponent)
        try Model(contentsOf: source).write(to: url)
        #expect(try Self.contents(url) == Self.contents(source))
        #expect(try folder.content == [source.lastPathComponent])
    }

    @Test("writes trained weights back, rounded once, and nothing else", arguments: files)
    func writesTrainedWeightsBack(_ file: String) throws {
        let folder = try TemporaryFolder()
        let source = fixture("CoreML/\(file)")
        let model = try Model(contentsOf: source)
        let trained = try ONNXNetworkTests.trained(model).roundedToItsFile()
        let url = folder.file(source.lastPathComponent)
        try trained.write(to: url)
        let again = try Model(contentsOf: url)
        #expect(again.parameters == trained.parameters)
        for (key, tensor) in trained.state where !key.hasSuffix("num_batches_tracked") {
            #expect(again.state[key] == tensor, "\(key)")
        }
        #expect(again.graph.nodes.map(\.name) == trained.graph.nodes.map(\.name))
        #expect(again.metadata == trained.metadata)
        let (before, after) = (try Self.contents(source), try Self.contents(url))
        #expect(before.keys.sorted() == after.keys.sorted())
        #expect(before != after)
        for (name, bytes) in before { #expect(after[name]?.count == bytes.count, "\(name)") }
    }

    @Test("is exported without its file", arguments: files)
    func isExportedWithoutItsFile(_ file: String) throws {
        let folder = try TemporaryFolder()
        var model = try Model(contentsOf: fixture("CoreML/\(file)"))
        model.origin = nil
        let url = folder.file("exported.mlpackage")
        try model.write(to: url)
        let again = try Model(contentsOf: url)
        let expected = try Self.logits(model, Self.results(file))
        let difference = relativeDifference(try Self.logits(again, Self.results(file)), from: expected)
        #expect(difference <= 1e-5, "\(file), exported: logits differ by \(difference)")
        #expect(again.metadata.classNames == model.metadata.classNames)
        #expect(again.metadata.normalization == model.metadata.normalization)
        for (key, tensor) in model.parameters where again.parameters[key] != nil {
            #expect(again.parameters[key] == tensor, "\(key)")
        }
        // The same model gives the same bytes.
        let twin = folder.file("twin.mlpackage")
        try model.write(to: twin)
        #expect(try Self.contents(twin) == Self.contents(url))
    }

    /// From ONNX to Core ML and back, through one graph.
    @Test("takes over ONNX networks", arguments: ONNXNetworkTests.networks)
    func takesOverONNXNetworks(_ name: String) throws {
        let folder = try TemporaryFolder()
        let model = try Model(contentsOf: fixture("ONNX/\(name)-new.onnx"))
        let (package, back) = (folder.file("model.mlpackage"), folder.file("back.onnx"))
        try model.write(to: package)
        let read = try Model(contentsOf: package)
        try read.write(to: back)
        let results = try Fixture("ONNX/\(name).safetensors")
        for (label, other) in [("package", read), ("back", try Model(contentsOf: back))] {
            let difference = relativeDifference(
                try Self.logits(other, results), from: try Self.logits(model, results))
            #expect(difference <= 1e-5, "\(name), \(label): logits differ by \(difference)")
        }
        let kept = model.parameters.keys.filter { read.parameters[$0] != nil }
        #expect(kept.count * 10 >= model.parameters.count * 9, "tensors keep their names")
    }

    /// Every stored tensor with a fraction is a parameter, or it is known why not.
    @Test("trains what is stored", arguments: files)
    func trainsWhatIsStored(_ file: String) throws {
        let model = try Model(contentsOf: fixture("CoreML/\(file)"))
        let origin = try #require(model.origin as? CoreMLOrigin)
        let trained = Set(model.graph.parameters.filter(\.specification.isTrained).map(\.key))
        for name in origin.stored.bindings.keys where model.state[name] == nil {
            #expect(trained.contains(name) || [1, 3].contains(model.parameters[name]?.count), "\(name)")
        }
        let run = try EngineRun(
            model, input: ONNXNetworkTests.input(model),
            outputGradient: [Float](repeating: 1, count: 2 * model.classCount))
        #expect(Set(run.parameterGradients.keys) == trained)
        for (key, gradient) in run.parameterGradients { #expect(gradient.isFinite, "\(key)") }
    }

    static func results(_ file: String) throws -> Fixture {
        var name = String(file.prefix { $0 != "." })
        if name.hasSuffix("-32") || name.hasSuffix("-16") { name.removeLast(3) }
        return try Fixture("CoreML/\(name).safetensors")
    }

    static func difference(_ model: Model, from results: Fixture) throws -> Double {
        relativeDifference(try logits(model, results), from: try results.values("logits"))
    }

    static func logits(_ model: Model, _ results: Fixture) throws -> [Float] {
        try EngineRun(
            model, input: try ONNXNetworkTests.channelsLast(results.tensor("input")),
            outputGradient: try results.values("weights"),
            EngineRun.Options().with {
                $0.mode = .inference
                $0.request = .input
            }
        ).output
    }

    /// The bytes of a file, or of all files of a package.
    static func contents(_ url: URL) throws -> [String: Data] {
        guard CoreMLPackage.isPackage(url) else { return ["": try Data(contentsOf: url)] }
        return try Dictionary(
            uniqueKeysWithValues: CoreMLPackage.contents(of: url).map {
                ($0, try Data(contentsOf: url.appendingPathComponent($0)))
            })
    }
}
