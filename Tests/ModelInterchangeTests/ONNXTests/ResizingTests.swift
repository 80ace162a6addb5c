import Foundation
import ModelInterchange
import NeuralGraph
import TestSupport
import Testing

@Suite("Resizing", .tags(.files)) struct ResizingTests {
    /// Where each number of a resized row comes from, for a row of `0, 1, 2, ...`.
    private func places(
        _ length: Int, scale: Float? = nil, to count: Int, _ coordinates: String, _ rounding: String
    ) throws -> [Float] {
        var file = GraphFile()
        file.operatorSet = 18
        file.input = [nil, 1, 1, length]
        let unit = (0..<count * count).map { $0 % (count + 1) == 0 ? Float(1) : 0 }
        let factors = scale.map { GraphFile.tensor("scales", [4], [1, 1, 1, $0]) }
        file.tensors = [factors ?? GraphFile.tensor("sizes", [count]), GraphFile.tensor("w", [count, count], unit)]
        let inputs = factors == nil ? ["x", "", "", "sizes"] : ["x", "", "scales"]
        file.nodes = [
            GraphFile.node("Resize", inputs, ["h"], name: "resize") {
                $0.attribute("mode", "nearest")
                $0.attribute("coordinate_transformation_mode", coordinates)
                $0.attribute("nearest_mode", rounding)
                // The batch is open, so that no number fits it.
                if scale == nil { $0.attribute("axes", [3]) }
            }, GraphFile.node("Flatten", ["h"], ["f"]), GraphFile.node("MatMul", ["f", "w"], ["y"]),
        ]
        let folder = try TemporaryFolder()
        let url = folder.file("graph.onnx")
        try overwrite(url, with: file.bytes)
        let options = EngineRun.Options().with { ($0.mode, $0.request) = (.inference, .nothing) }
        let row = (0..<length).map { Float($0) }
        return try EngineRun(Model(onnx: url), input: row, outputGradient: [], options).output
    }

    /// Five numbers by 1.3 are six, which are not 1.2 times as many: coordinates are divided by what the file says.
    @Test("coordinates are by the scale in the file") func coordinatesAreByTheScaleInTheFile() throws {
        #expect(try places(5, scale: 1.3, to: 6, "asymmetric", "floor") == [0, 0, 1, 2, 3, 3])
        // (i + 0.5) / 1.3 - 0.5: -0.115, 0.654, 1.423, 2.192, 2.962, 3.731
        #expect(try places(5, scale: 1.3, to: 6, "half_pixel", "round_prefer_floor") == [0, 1, 1, 2, 3, 4])
        #expect(try places(5, scale: 0.7, to: 3, "asymmetric", "floor") == [0, 1, 2])
        #expect(try places(4, scale: 2, to: 8, "asymmetric", "floor") == [0, 0, 1, 1, 2, 2, 3, 3])
    }

    @Test("coordinates are by the lengths where the file has them") func coordinatesAreByTheLengths() throws {
        #expect(try places(5, to: 6, "asymmetric", "floor") == [0, 0, 1, 2, 3, 4])
    }

    /// A number of a size for the batch cannot be checked against a batch that is open.
    @Test("a scale along the batch is refused") func aScaleAlongTheBatchIsRefused() throws {
        var file = GraphFile()
        file.input = [nil, 1, 1, 4]
        file.tensors = [GraphFile.tensor("scales", [4], [2, 1, 1, 1]), GraphFile.tensor("w", [4, 1], [1, 0, 0, 1])]
        file.nodes = [
            GraphFile.node("Resize", ["x", "", "scales"], ["h"], name: "resize"),
            GraphFile.node("Flatten", ["h"], ["f"]), GraphFile.node("MatMul", ["f", "w"], ["y"]),
        ]
        let folder = try TemporaryFolder()
        let url = folder.file("graph.onnx")
        try overwrite(url, with: file.bytes)
        #expect {
            try Model(onnx: url)
        } throws: { "\($0)".contains("node 'resize' (Resize): resizes along the batch") }
    }
}
