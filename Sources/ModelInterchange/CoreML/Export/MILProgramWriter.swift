import ModelFiles
import NeuralGraph

/// Writes the operations of an ML program, and its weights into a weight file.
package struct MILProgramWriter {
    /// The operation set that is written: iOS 15's.
    static let operationSet = "CoreML5"
    /// The specification's version that goes with it.
    static let specification = 6
    /// The weight file by its name in a program.
    static let weightFile = "@model_path/weights/weight.bin"
    /// Tensors of fewer numbers lie in the specification itself.
    private static let shortest = 10

    /// What an operation's parameter is set to.
    package enum Argument {
        case value(String)
        case values([String])
        case integers([Int])
        case integer(Int)
        case flags([Bool])
        case flag(Bool)
        case number(Float)
        case text(String)
    }

    /// A value's element type and shape, with a batch of 1.
    package struct ValueType: Equatable {
        var element = MILDataType.float32
        var shape: [Int]

        package init(element: MILDataType = MILDataType.float32, shape: [Int]) {
            self.element = element
            self.shape = shape
        }
    }

    private(set) var operations = WireWriter()
    private(set) var weights = WeightFile.Writer()
    /// The types of all values by their names in the network.
    private(set) var types: [String: ValueType] = [:]
    /// The names in the program by those in the network.
    private(set) var names: [String: String] = [:]
    private var taken: Set<String> = []

    package init() {}

    /// Declares a value that is there from the start.
    package mutating func declare(_ name: String, as own: String, _ type: ValueType) {
        names[name] = own
        taken.insert(own)
        types[name] = type
    }

    /// Keeps a name for what is not a value of the network.
    mutating func reserve(_ name: String) { taken.insert(name) }

    /// Lets a name stand for another value.
    mutating func alias(_ name: String, _ other: String) {
        names[name] = names[other]
        types[name] = types[other]
    }

    /// A value's type.
    func type(_ name: String) throws -> ValueType {
        guard let type = types[name] else {
            throw ONNXProblem("the value \(quoted(name)) is not there when it is read")
        }
        return type
    }

    /// Adds an operation with one value.
    package mutating func add(
        _ operation: String, _ arguments: [(String, Argument)], to output: String, _ type: ValueType
    )
        throws
    {
        let own = identifier(output)
        let inputs = try arguments.map { (parameter, argument) in
            (parameter, try bindings(argument, named: "\(own)_\(parameter)_0"))
        }
        names[output] = own
        types[output] = type
        operations.message(3) { writer in
            writer.string(1, operation)
            for (parameter, bound) in inputs {
                writer.message(2) { entry in
                    entry.string(1, parameter)
                    entry.message(2) { argument in
                        for name in bound { argument.message(1) { $0.string(1, name) } }
                    }
                }
            }
            Self.output(own, type, &writer)
            Self.attribute("name", &writer) { Self.text(own, &$0) }
        }
    }

    /// Adds a stored tensor.
    package mutating func store(_ name: String, _ shape: [Int], _ elements: [Float]) {
        let own = identifier(name)
        names[name] = own
        let type = ValueType(shape: shape)
        types[name] = type
        let isShort = elements.count < Self.shortest
        let offset = isShort ? 0 : weights.append(elements)
        constant(own, type) { value in
            if isShort {
                Self.immediate(1, &value) { list in
                    var numbers = WireWriter()
                    for element in elements { numbers.append(element.bitPattern) }
                    list.content(1, numbers.bytes)
                }
            } else {
                value.message(5) { blob in
                    blob.string(1, Self.weightFile)
                    blob.integer(2, offset)
                }
            }
        }
    }

    /// Ends the program in a classifier's labels.
    mutating func classify(_ scores: String, labels: [String], label: String, probabilities: String) throws {
        guard let own = names[scores] else { throw ONNXProblem("the network has no scores") }
        operations.message(3) { writer in
            writer.string(1, "classify")
            writer.message(2) { entry in
                entry.string(1, "probabilities")
                entry.message(2) { argument in argument.message(1) { $0.string(1, own) } }
            }
            writer.message(2) { entry in
                entry.string(1, "classes")
                entry.message(2) { argument in argument.message(1) { $0.message(2) { Self.list(labels, &$0) } } }
            }
            Self.output(label, ValueType(element: .string, shape: []), &writer)
            writer.message(3) { output in
                output.string(1, probabilities)
                output.message(2) { type in
                    type.message(4) { dictionary in
                        dictionary.message(1) { Self.type(ValueType(element: .string, shape: []), &$0) }
                        dictionary.message(2) { Self.type(ValueType(element: .float64, shape: []), &$0) }
                    }
                }
            }
            Self.attribute("name", &writer) { Self.text("classify_0", &$0) }
        }
    }

    /// The program: one function with one block.
    package func program(input: String, outputs: [String]) -> [UInt8] {
        var program = WireWriter()
        program.integer(1, 1)
        let operations = operations.bytes
        let (own, type) = (names[input] ?? input, types[input] ?? ValueType(shape: []))
        program.message(2) { entry in
            entry.string(1, "main")
            entry.message(2) { function in
                function.message(1) { named in
                    named.string(1, own)
                    named.message(2) { Self.type(type, &$0) }
                }
                function.string(2, Self.operationSet)
                function.message(3) { entry in
                    entry.string(1, Self.operationSet)
                    var block = WireWriter()
                    for output in outputs { block.string(2, output) }
                    entry.content(2, block.bytes + operations)
                }
            }
        }
        return program.bytes
    }

    // MARK: Constants

    /// What a parameter is bound to; settings become constants of the program.
    private mutating func bindings(_ argument: Argument, named name: String) throws -> [String] {
        switch argument {
        case .value(let value): return [try own(value)]
        case .values(let values): return try values.map { try own($0) }
        case .integers(let values):
            return [setting(name, ValueType(element: .int32, shape: [values.count]), 2) { $0.packed(1, values) }]
        case .integer(let value):
            return [setting(name, ValueType(element: .int32, shape: []), 2) { $0.packed(1, [value]) }]
        case .flags(let values):
            let numbers = values.map { $0 ? 1 : 0 }
            return [setting(name, ValueType(element: .bool, shape: [values.count]), 3) { $0.packed(1, numbers) }]
        case .flag(let value):
            return [setting(name, ValueType(element: .bool, shape: []), 3) { $0.packed(1, [value ? 1 : 0]) }]
        case .number(let value):
            var bits = WireWriter()
            bits.append(value.bitPattern)
            return [setting(name, ValueType(shape: []), 1) { $0.content(1, bits.bytes) }]
        case .text(let value):
            return [setting(name, ValueType(element: .string, shape: []), 4) { $0.string(1, value) }]
        }
    }

    private func own(_ name: String) throws -> String {
        guard let own = names[name] else { throw ONNXProblem("the value \(quoted(name)) is not there when it is read") }
        return own
    }

    private mutating func setting(
        _ name: String, _ type: ValueType, _ number: Int, _ body: (inout WireWriter) -> Void
    ) -> String {
        let own = identifier(name)
        constant(own, type) { value in Self.immediate(number, &value, body) }
        return own
    }

    private mutating func constant(_ own: String, _ type: ValueType, _ body: (inout WireWriter) -> Void) {
        operations.message(3) { writer in
            writer.string(1, "const")
            Self.output(own, type, &writer)
            Self.attribute("name", &writer) { Self.text(own, &$0) }
            Self.attribute("val", &writer) { value in
                value.message(2) { Self.type(type, &$0) }
                body(&value)
            }
        }
    }

    // MARK: Messages

    private static func immediate(_ number: Int, _ value: inout WireWriter, _ body: (inout WireWriter) -> Void) {
        value.message(3) { immediate in immediate.message(1) { tensor in tensor.message(number, body) } }
    }

    /// A word as a value.
    private static func text(_ text: String, _ value: inout WireWriter) {
        value.message(2) { type(ValueType(element: .string, shape: []), &$0) }
        immediate(4, &value) { $0.string(1, text) }
    }

    /// Words as a value that is a list.
    private static func list(_ words: [String], _ value: inout WireWriter) {
        value.message(2) { whole in
            whole.message(2) { list in
                list.message(1) { type(ValueType(element: .string, shape: []), &$0) }
                list.message(2) { length in length.message(1) { $0.integer(1, words.count) } }
            }
        }
        value.message(3) { immediate in
            immediate.message(3) { list in
                for word in words { list.message(1) { text(word, &$0) } }
            }
        }
    }

    private static func attribute(
        _ name: String, _ writer: inout WireWriter, _ body: (inout WireWriter) -> Void
    ) {
        writer.message(5) { entry in
            entry.string(1, name)
            entry.message(2, body)
        }
    }

    private static func output(_ name: String, _ type: ValueType, _ writer: inout WireWriter) {
        writer.message(3) { output in
            output.string(1, name)
            output.message(2) { Self.type(type, &$0) }
        }
    }

    private static func type(_ type: ValueType, _ writer: inout WireWriter) {
        writer.message(1) { tensor in
            tensor.integer(1, type.element.rawValue)
            if !type.shape.isEmpty { tensor.integer(2, type.shape.count) }
            for length in type.shape {
                tensor.message(3) { dimension in dimension.message(1) { $0.integer(1, length) } }
            }
        }
    }

    /// A name of letters, digits and underscores that nothing has yet: programs have no others.
    private mutating func identifier(_ name: String) -> String {
        var base = String(
            name.unicodeScalars.map {
                $0.isASCII && ($0.properties.isAlphabetic || ("0"..."9").contains($0)) ? Character($0) : "_"
            })
        if base.first.map({ $0.isNumber }) ?? true { base = "_" + base }
        var candidate = base
        var number = 2
        while !taken.insert(candidate).inserted {
            candidate = "\(base)_\(number)"
            number += 1
        }
        return candidate
    }
}
