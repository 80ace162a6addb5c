import Foundation
import ModelInterchange
import NeuralGraph
import TestSupport
import Testing

@Suite("Log softmax", .tags(.files)) struct LogSoftmaxTests {
    private func model(set: Int, input: [Int?] = [nil, 4]) throws -> Model {
        var file = GraphFile()
        file.operatorSet = set
        file.input = input
        file.tensors = [GraphFile.tensor("w", [4, 2], [1, 0, 0, 1, 1, 0, 0, 1])]
        file.nodes = [
            GraphFile.node("LogSoftmax", ["x"], ["h"], name: "scores"), GraphFile.node("Flatten", ["h"], ["f"]),
            GraphFile.node("MatMul", ["f", "w"], ["y"]),
        ]
        let folder = try TemporaryFolder()
        let url = folder.file("graph.onnx")
        try overwrite(url, with: file.bytes)
        return try Model(onnx: url)
    }

    private func output(_ model: Model, _ input: [Float]) throws -> [Float] {
        let options = EngineRun.Options().with { ($0.mode, $0.request) = (.inference, .nothing) }
        return try EngineRun(model, input: input, outputGradient: [], options).output
    }

    @Test("one node stays one node") func oneNodeStaysOneNode() throws {
        let read = try model(set: 17)
        #expect(read.graph.nodes.map(\.operation.kind).filter { $0.contains("oftmax") } == ["LogSoftmax"])
        // The probability of -200 is 0 in a Float; its logarithm is not.
        #expect(try output(read, [0, -200, -200, -200]) == [-200, -400])
    }

    /// All axes from the second on were one row before operator set 13.
    @Test("old files take all axes together") func oldFilesTakeAllAxesTogether() throws {
        let numbers: [Float] = [0, 1, 2, 3]
        func expected(_ rows: [[Int]]) -> [Double] {
            var logarithms = [Double](repeating: 0, count: 4)
            for row in rows {
                let sum = row.reduce(0) { $0 + exp(Double(numbers[$1])) }
                for index in row { logarithms[index] = Double(numbers[index]) - log(sum) }
            }
            return [logarithms[0] + logarithms[2], logarithms[1] + logarithms[3]]
        }
        let old = try output(model(set: 12, input: [nil, 2, 2]), numbers).map(Double.init)
        #expect(zip(old, expected([[0, 1, 2, 3]])).allSatisfy { abs($0 - $1) < 1e-6 })
        let new = try output(model(set: 13, input: [nil, 2, 2]), numbers).map(Double.init)
        #expect(zip(new, expected([[0, 1], [2, 3]])).allSatisfy { abs($0 - $1) < 1e-6 })
    }

    /// Over channels, rows and columns of an image, which ONNX has in another order.
    @Test("exported models come back the same", arguments: [0, 1, -1]) func exportedModelsComeBackTheSame(_ axis: Int)
        throws
    {
        var net = GraphBuilder(inputShape: [6, 4, 3])
        var x = try net.convolution(net.input, named: "conv", channels: 5, kernelSize: 3, padding: 1)
        x = try net.logSoftmax(x, named: "scores", axis: axis)
        x = try net.globalAveragePool(x, named: "pool")
        _ = try net.linear(x, named: "head", outputs: 3)
        let model = Model(graph: try net.graph(), seed: 1)
        let folder = try TemporaryFolder()
        try model.write(to: folder.file("model.onnx"))
        let again = try Model(contentsOf: folder.file("model.onnx"))
        var random = SeededRandom(seed: 2)
        let input = (0..<2 * 72).map { _ in Float(random.normal()) }
        let difference = try relativeDifference(output(again, input), from: output(model, input).map(Double.init))
        #expect(difference < 1e-6)
        #expect(again.graph.nodes.contains { $0.operation.kind == "LogSoftmax" })
    }
}
