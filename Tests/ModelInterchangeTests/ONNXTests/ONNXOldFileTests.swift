import Foundation
import ModelInterchange
import NeuralGraph
import TestSupport
import Testing

/// Files of operator sets 7 to 12, and others that are not written as today's exporters do.
@Suite("ONNX old file", .tags(.files)) struct ONNXOldFileTests {
    private func model(_ file: GraphFile, outputName: String? = nil) throws -> Model {
        let folder = try TemporaryFolder()
        let url = folder.file("graph.onnx")
        try overwrite(url, with: file.bytes)
        return try Model(onnx: url, outputName: outputName)
    }

    private func message(_ file: GraphFile, outputName: String? = nil) -> String {
        do {
            _ = try model(file, outputName: outputName)
            return "no error"
        } catch {
            return "\(error)"
        }
    }

    private func run(_ model: Model, _ input: [Float]) throws -> [Float] {
        let executor = Executor(model: model, batchCapacity: 1, computing: .nothing, modes: [.inference])
        _ = executor.input.update(fromContentsOf: input)
        try executor.forward(batch: 1, mode: .inference)
        return Array(executor.output)
    }

    private static let square = GraphFile.tensor("w", [4, 2], [1, 0, 0, 1, 1, 0, 0, 1])

    /// A graph of one node between the input `[N, 4]` and a product that adds numbers 0 and 2, 1 and 3.
    private func file(_ operation: String, set: Int, _ attributes: (inout WireWriter) -> Void = { _ in }) -> GraphFile {
        var file = GraphFile()
        file.operatorSet = set
        file.tensors = [Self.square]
        file.nodes = [
            GraphFile.node(operation, ["x"], ["h"], name: "node", attributes),
            GraphFile.node("MatMul", ["h", "w"], ["y"]),
        ]
        return file
    }

    @Test("limits were attributes") func limitsWereAttributes() throws {
        let clip = file("Clip", set: 7) {
            $0.attribute("min", Float(-1))
            $0.attribute("max", Float(2))
        }
        #expect(try run(model(clip), [-3, 0, 1, 5]) == [0, 2])
        #expect(message(file("Clip", set: 11) { $0.attribute("min", Float(0)) }).contains("has the attribute 'min'"))
    }

    /// All axes from the one named on, 1 if none is, were one row before set 13.
    @Test("softmax took all axes behind together") func softmaxTookAllAxesBehindTogether() throws {
        func softmax(set: Int) -> GraphFile {
            var file = GraphFile()
            file.operatorSet = set
            file.input = [nil, 2, 2]
            file.tensors = [Self.square]
            file.nodes = [
                GraphFile.node("Softmax", ["x"], ["h"]), GraphFile.node("Flatten", ["h"], ["f"]),
                GraphFile.node("MatMul", ["f", "w"], ["y"]),
            ]
            return file
        }
        let numbers: [Float] = [0, 1, 2, 3]
        let powers = numbers.map { exp(Double($0)) }
        let all = powers.reduce(0, +)
        let old = try run(model(softmax(set: 12)), numbers).map { Double($0) }
        #expect(
            zip(old, [(powers[0] + powers[2]) / all, (powers[1] + powers[3]) / all]).allSatisfy { abs($0 - $1) < 1e-6 })
        let new = try run(model(softmax(set: 13)), numbers).map { Double($0) }
        let share = 2 / (1 + exp(1.0))
        #expect(zip(new, [share, 2 - share]).allSatisfy { abs($0 - $1) < 1e-6 })
    }

    @Test("axes pads and ratios were attributes") func axesPadsAndRatiosWereAttributes() throws {
        var axes = file("Unsqueeze", set: 11) { $0.attribute("axes", [1]) }
        axes.nodes.insert(GraphFile.node("Squeeze", ["h"], ["s"]) { $0.attribute("axes", [1]) }, at: 1)
        axes.nodes[2] = GraphFile.node("MatMul", ["s", "w"], ["y"])
        #expect(try run(model(axes), [1, 2, 3, 4]) == [4, 6])
        var pads = file("Pad", set: 9) {
            $0.attribute("pads", [0, 1, 0, 0])
            $0.attribute("value", Float(9))
        }
        pads.nodes.insert(
            GraphFile.node("Slice", ["h"], ["s"]) {
                $0.attribute("axes", [1])
                $0.attribute("starts", [0])
                $0.attribute("ends", [4])
            }, at: 1)
        pads.nodes[2] = GraphFile.node("MatMul", ["s", "w"], ["y"])
        #expect(try run(model(pads), [1, 2, 3, 4]) == [11, 4])
        #expect(try run(model(file("Dropout", set: 7) { $0.attribute("ratio", Float(0.5)) }), [1, 2, 3, 4]) == [4, 6])
    }

    @Test("stored tensors are listed as inputs") func storedTensorsAreListedAsInputs() throws {
        var file = file("Relu", set: 8)
        file.structure = 3
        file.listsTensors = [("w", [4, 2])]
        #expect(try model(file).parameters["w"] != nil)
    }

    // MARK: Weights in nodes

    @Test("weights in constant nodes are trained and written back")
    func weightsInConstantNodesAreTrainedAndWrittenBack() throws {
        let folder = try TemporaryFolder()
        let (source, target) = (folder.file("source.onnx"), folder.file("target.onnx"))
        var file = GraphFile.linear
        file.nodes.insert(GraphFile.constant("w", file.tensors[0]), at: 0)
        file.tensors = []
        try overwrite(source, with: file.bytes)
        let model = try Model(onnx: source)
        #expect(model.parameterCount == 8 && ModelSummary(model).fixed.isEmpty)
        try model.write(to: target)
        #expect(try [UInt8](Data(contentsOf: target)) == file.bytes)
        let weight = try #require(model.parameters["w"])
        let changed = try model.replacing(["w": Tensor(weight.elements.map { $0 - 3 }, shape: weight.shape)])
        try changed.write(to: target)
        #expect(try Model(onnx: target).parameters == changed.parameters)
        // Numbers in a field of their own, whose length changes.
        file.nodes[0] = GraphFile.constant(
            "w",
            GraphFile.tensor("", [4, 2], type: 16) { writer in for bits in 0..<8 { writer.integer(5, bits << 4) } })
        try overwrite(source, with: file.bytes)
        try Model(onnx: source).replacing(["w": Tensor(repeating: 2, shape: [2, 4])]).write(to: target)
        #expect(try Model(onnx: target).parameters["w"] == Tensor(repeating: 2, shape: [2, 4]))
        file.nodes.append(file.nodes[0])
        #expect(message(file).contains("gives 'w', which is given twice"))
    }

    /// Statistics that nothing stores by itself could not be written back, so that training leaves them.
    @Test("statistics that the file computes stay") func statisticsThatTheFileComputesStay() throws {
        var file = GraphFile.linear
        file.tensors += ["s", "b", "m", "v"].map { GraphFile.tensor($0, [4], [1, 2, 3, 4]) }
        file.nodes = [
            GraphFile.node("Add", ["m", "v"], ["mean"]), GraphFile.node("Exp", ["v"], ["variance"]),
            GraphFile.node("BatchNormalization", ["x", "s", "b", "mean", "variance"], ["h"], name: "norm"),
            GraphFile.node("MatMul", ["h", "w"], ["y"]),
        ]
        let model = try model(file)
        #expect(model.state.isEmpty)
        #expect(model.graph.parameters.filter(\.specification.isTrained).map(\.key).sorted() == ["b", "s", "w"])
        let numbers: [Float] = [1, -1, 0.5, 2]
        let normalized = numbers.indices.map { index in
            let (x, count) = (Double(numbers[index]), Double(index + 1))
            return count * (x - 2 * count) / (exp(count) + 1e-5).squareRoot() + count
        }
        let found = try run(model, numbers)
        for column in 0..<2 {
            let expected = (0..<4).reduce(0.0) { $0 + normalized[$1] * Double(2 * $1 + column) / 8 }
            #expect(abs(Double(found[column]) - expected) < 1e-5)
        }
    }

    // MARK: Outputs and inputs

    @Test("outputs are chosen by name") func outputsAreChosenByName() throws {
        var file = GraphFile.linear
        file.tensors.append(GraphFile.tensor("v", [4, 3], (0..<12).map { Float($0) }))
        file.nodes += [
            GraphFile.node("MatMul", ["x", "v"], ["aux"]), GraphFile.node("Softmax", ["y"], ["share"]),
            GraphFile.node("Unsqueeze", ["x", "one"], ["map"]),
        ]
        file.tensors.append(GraphFile.tensor("one", [1]))
        file.otherOutputs = [("share", 2)]
        // The same classifier with and without its softmax.
        #expect(try model(file).classCount == 2 && model(file).otherClassifiers().isEmpty)
        file.otherOutputs.append(("aux", 3))
        let text = message(file)
        #expect(text.contains("'y', 'share' [N, 2], 'aux' [N, 3]") && text.contains("--output-name y"), "\(text)")
        #expect(try model(file, outputName: "aux").classCount == 3)
        let chosen = try model(file, outputName: "y")
        #expect(chosen.classCount == 2 && chosen.outputs.map(\.isRead) == [true, false, false])
        #expect(try chosen.otherClassifiers().map(\.outputName) == ["aux"])
        #expect(message(file, outputName: "z").contains("no output named 'z'; its outputs are 'y', 'share' [N, 2]"))
    }

    @Test("an open channel axis is not asked for as a size") func anOpenChannelAxisIsNotAskedForAsASize() throws {
        var file = GraphFile.linear
        file.input = [nil, nil, 8, 8]
        let text = message(file)
        #expect(text.contains("leaves its axis 1 ('N') open, and the number of channels cannot be guessed"), "\(text)")
        #expect(!text.contains("--image-size"))
    }
}
