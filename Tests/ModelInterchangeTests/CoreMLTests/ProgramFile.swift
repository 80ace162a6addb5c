import Foundation
import ModelInterchange
import NeuralGraph
import TestSupport

/// A small ML program in one file that is put together operation by operation, for tests of what coremltools does not
/// write.
struct ProgramFile {
    typealias Argument = MILProgramWriter.Argument

    var writer = MILProgramWriter()
    let shape: [Int]
    /// The declared output, unless another name is given.
    var outputs = ["y"]
    /// More bytes of the specification, such as a state's description.
    var descriptionBytes: [UInt8] = []
    var version = 7
    var type = 502

    init(input shape: [Int] = [1, 4]) {
        self.shape = shape
        writer.declare("x", as: "x", MILProgramWriter.ValueType(shape: shape))
    }

    /// Adds an operation.
    mutating func add(_ type: String, _ arguments: [(String, Argument)], to output: String = "y", _ shape: [Int]) throws
    {
        try writer.add(type, arguments, to: output, MILProgramWriter.ValueType(shape: shape))
    }

    var bytes: [UInt8] {
        var file = WireWriter()
        file.integer(1, version)
        file.message(2) { description in
            description.message(1) { feature in
                feature.string(1, "x")
                feature.message(3) { $0.message(5) { $0.packed(1, shape) } }
            }
            description.message(10) { feature in
                feature.string(1, "y")
                feature.message(3) { type in type.message(5) { _ in } }
            }
        }
        var whole = file.bytes
        if !descriptionBytes.isEmpty {
            var description = WireWriter()
            description.content(2, descriptionBytes)
            whole = Array(whole.prefix(2)) + description.bytes
        }
        var program = WireWriter()
        program.content(type, writer.program(input: "x", outputs: outputs))
        return whole + program.bytes
    }

    /// Reads the program as a model.
    func model(in folder: TemporaryFolder) throws -> Model {
        let url = folder.file("program.mlmodel")
        try overwrite(url, with: bytes)
        return try Model(coreML: url)
    }

    /// What is wrong with the program; nil if it can be read.
    func problem() throws -> String? {
        let folder = try TemporaryFolder()
        do {
            _ = try model(in: folder)
            return nil
        } catch {
            return "\(error)"
        }
    }
}
