import Foundation
import ModelInterchange

/// A small ONNX file that is put together field by field, for tests of what exporters do not write.
struct GraphFile {
    var structure = 8
    var operatorSet = 17
    var input: [Int?] = [nil, 4]
    var nodes: [[UInt8]] = []
    var tensors: [[UInt8]] = []
    var output = "y"
    /// More outputs, each with rows of a length.
    var otherOutputs: [(name: String, length: Int)] = []
    /// Whether stored tensors are among the inputs too, as in old files.
    var listsTensors: [(name: String, shape: [Int])] = []
    var functions: [[UInt8]] = []

    var bytes: [UInt8] {
        var file = WireWriter()
        file.integer(1, structure)
        file.message(8) { $0.integer(2, operatorSet) }
        file.message(7) { graph in
            for node in nodes { graph.content(1, node) }
            for tensor in tensors { graph.content(5, tensor) }
            graph.content(11, Self.value("x", input))
            for (name, shape) in listsTensors { graph.content(11, Self.value(name, shape.map { $0 })) }
            graph.message(12) { $0.string(1, output) }
            for (name, length) in otherOutputs { graph.content(12, Self.value(name, [nil, length])) }
        }
        for function in functions { file.content(25, function) }
        return file.bytes
    }

    /// A value's declaration; nil for an axis that is open.
    private static func value(_ name: String, _ shape: [Int?]) -> [UInt8] {
        var value = WireWriter()
        value.string(1, name)
        value.message(2) { type in
            type.message(1) { tensor in
                tensor.integer(1, 1)
                tensor.message(2) { dimensions in
                    for length in shape {
                        dimensions.message(1) { axis in
                            if let length { axis.integer(1, length) } else { axis.string(2, "N") }
                        }
                    }
                }
            }
        }
        return value.bytes
    }

    /// A `Constant` node with a tensor.
    static func constant(_ name: String, _ tensor: [UInt8]) -> [UInt8] {
        node("Constant", [], [name]) { node in
            node.message(5) { attribute in
                attribute.string(1, "value")
                attribute.content(5, tensor)
                attribute.integer(20, 4)
            }
        }
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

    /// A tensor of integers.
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
