import Foundation

@testable import ModelInterchange

/// A small ONNX file that is put together field by field, for tests of what exporters do not write.
struct GraphFile {
    var structure = 8
    var operatorSet = 17
    var input: [Int?] = [nil, 4]
    var nodes: [[UInt8]] = []
    var tensors: [[UInt8]] = []
    var output = "y"
    var functions: [[UInt8]] = []

    var bytes: [UInt8] {
        var file = WireWriter()
        file.integer(1, structure)
        file.message(8) { $0.integer(2, operatorSet) }
        file.message(7) { graph in
            for node in nodes { graph.content(1, node) }
            for tensor in tensors { graph.content(5, tensor) }
            graph.message(11) { value in
                value.string(1, "x")
                value.message(2) { type in
                    type.message(1) { tensor in
                        tensor.integer(1, 1)
                        tensor.message(2) { shape in
                            for length in input {
                                shape.message(1) { axis in
                                    if let length { axis.integer(1, length) } else { axis.string(2, "N") }
                                }
                            }
                        }
                    }
                }
            }
            graph.message(12) { $0.string(1, output) }
        }
        for function in functions { file.content(25, function) }
        return file.bytes
    }

    /// A node's message.
    static func node(
        _ operation: String, _ inputs: [String], _ outputs: [String], name: String = "", domain: String = "",
        _ attributes: (inout WireWriter) -> Void = { _ in }
    ) -> [UInt8] {
        var node = WireWriter()
        for input in inputs { node.string(1, input) }
        for output in outputs { node.string(2, output) }
        node.string(3, name)
        node.string(4, operation)
        if !domain.isEmpty { node.string(7, domain) }
        attributes(&node)
        return node.bytes
    }

    /// A tensor of floats.
    static func tensor(_ name: String, _ shape: [Int], _ values: [Float]) -> [UInt8] {
        var raw = WireWriter()
        for value in values { raw.append(value.bitPattern) }
        return tensor(name, shape, type: 1) { $0.content(9, raw.bytes) }
    }

    /// A tensor of whole numbers.
    static func tensor(_ name: String, _ values: [Int]) -> [UInt8] {
        tensor(name, [values.count], type: 7) { $0.packed(7, values) }
    }

    /// A tensor whose numbers are written by `body`.
    static func tensor(_ name: String, _ shape: [Int], type: Int, _ body: (inout WireWriter) -> Void) -> [UInt8] {
        var tensor = WireWriter()
        tensor.packed(1, shape)
        tensor.integer(2, type)
        tensor.string(8, name)
        body(&tensor)
        return tensor.bytes
    }

    /// A tensor whose numbers lie in another file.
    static func external(
        _ name: String, _ shape: [Int], location: String, offset: String? = nil, length: String? = nil
    ) -> [UInt8] {
        tensor(name, shape, type: 1) { tensor in
            for (key, value) in [("location", location), ("offset", offset), ("length", length)] {
                guard let value else { continue }
                tensor.message(13) { entry in
                    entry.string(1, key)
                    entry.string(2, value)
                }
            }
            tensor.integer(14, 1)
        }
    }

    /// One linear layer from four features to two classes.
    static var linear: GraphFile {
        var file = GraphFile()
        file.tensors = [tensor("w", [4, 2], (0..<8).map { Float($0) / 8 })]
        file.nodes = [node("MatMul", ["x", "w"], ["y"], name: "head")]
        return file
    }
}
