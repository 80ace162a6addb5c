import ModelFiles

/// The main function of an ML program: `MIL.proto` of https://github.com/apple/coremltools.
struct MILFunction: Sendable {
    let inputs: [MILNamedType]
    let outputs: [String]
    let operations: [MILOperation]

    /// Reads a program's main function.
    init(ofProgram program: WireMessage) throws {
        let functions = try program.entries(2)
        guard functions.count == 1, let function = functions.first?.value else {
            throw ONNXProblem(
                "the ML program has \(functions.count) functions "
                    + "(\(functions.prefix(8).map { quoted($0.key) }.joined(separator: ", "))), and one is read; save the "
                    + "one that classifies as a model of its own")
        }
        inputs = try function.messages(1).map(MILNamedType.init)
        let set = try function.text(2)
        let blocks = try function.entries(3)
        guard let block = blocks.first(where: { $0.key == set })?.value else {
            throw ONNXProblem("the ML program has no block for its operation set \(quoted(set)); the file is damaged")
        }
        outputs = try block.texts(2)
        operations = try block.messages(3).map(MILOperation.init)
    }
}

/// A value's name and type.
struct MILNamedType: Sendable {
    let name: String
    let type: MILType

    init(_ message: WireMessage) throws {
        name = try message.text(1)
        type = try message.message(2).map(MILType.init) ?? .other
    }
}

/// A value's type, as far as it is read.
enum MILType: Sendable {
    /// A tensor; an axis of a length that is not known is nil.
    case tensor(MILDataType, [Int?])
    /// A list, tuple, dictionary or state, or a tensor of another element type.
    case other

    init(_ message: WireMessage) throws {
        guard let tensor = try message.message(1),
            let type = MILDataType(rawValue: try tensor.integer(1) ?? 0)
        else {
            self = .other
            return
        }
        self = .tensor(
            type,
            try tensor.messages(3).map { dimension in
                guard let constant = try dimension.message(1) else { return nil }
                return try constant.integer(1) ?? 0
            })
    }

    /// The axes; nil if it is no tensor.
    var axes: [Int?]? {
        if case .tensor(_, let axes) = self { axes } else { nil }
    }
}

/// A tensor's element type; the raw value is the number in the file.
package enum MILDataType: Int, Sendable {
    case bool = 1
    case string = 2
    case float16 = 10
    case float32 = 11
    case float64 = 12
    case bfloat16 = 13
    case int8 = 21
    case int16 = 22
    case int32 = 23
    case int64 = 24
    case uint8 = 31
    case uint16 = 32
    case uint32 = 33
    case uint64 = 34

    /// The type of such a tensor here; nil for text.
    var scalarType: ONNXScalarType? {
        switch self {
        case .bool: .bool
        case .string: nil
        case .float16: .float16
        case .float32: .float32
        case .float64: .float64
        case .bfloat16: .bfloat16
        case .int8: .int8
        case .int16: .int16
        case .int32: .int32
        case .int64: .int64
        case .uint8: .uint8
        case .uint16: .uint16
        case .uint32: .uint32
        case .uint64: .uint64
        }
    }

    /// The number of such elements in a weight file.
    var blobType: Int? {
        switch self {
        case .float16: 1
        case .float32: 2
        case .uint8: 3
        case .int8: 4
        case .bfloat16: 5
        case .int16: 6
        case .uint16: 7
        case .int32: 14
        case .uint32: 15
        default: nil
        }
    }

    /// The name that casts give the type.
    init?(castName: String) {
        switch castName {
        case "fp16": self = .float16
        case "fp32": self = .float32
        case "fp64": self = .float64
        case "int8": self = .int8
        case "int16": self = .int16
        case "int32": self = .int32
        case "int64": self = .int64
        case "uint8": self = .uint8
        case "uint16": self = .uint16
        case "uint32": self = .uint32
        case "bool": self = .bool
        default: return nil
        }
    }
}

/// A constant of a program.
struct MILValue: Sendable {
    /// Where its numbers lie.
    enum Storage: Sendable {
        /// The message in the specification that holds them (`TensorValue`).
        case immediate(WireMessage)
        /// The values of a list.
        case list([WireMessage])
        /// Another file, and where in it the blob's record lies.
        case blob(file: String, offset: Int)
        case other
    }

    let type: MILType
    let storage: Storage

    init(_ message: WireMessage) throws {
        type = try message.message(2).map(MILType.init) ?? .other
        if let immediate = try message.message(3) {
            if let tensor = try immediate.message(1) {
                storage = .immediate(tensor)
            } else if let list = try immediate.message(3) {
                storage = .list(try list.messages(1))
            } else {
                storage = .other
            }
        } else if let blob = try message.message(5) {
            storage = .blob(file: try blob.text(1), offset: try blob.integer(2) ?? 0)
        } else {
            storage = .other
        }
    }

    /// The texts of a tensor of strings.
    func texts() throws -> [String]? {
        guard case .immediate(let tensor) = storage, let strings = try tensor.message(4) else { return nil }
        return try strings.texts(1)
    }

    /// The names or numbers in a list of classes.
    func classLabels() throws -> [String]? {
        guard case .list(let values) = storage else { return nil }
        return try values.flatMap { value in
            let value = try MILValue(value)
            if let texts = try value.texts() { return texts }
            guard case .immediate(let tensor) = value.storage else { return [] }
            let numbers = try tensor.message(2)?.integers(1) ?? tensor.message(5)?.integers(1) ?? []
            return numbers.map(String.init)
        }
    }
}

/// One operation of a program.
struct MILOperation: Sendable {
    /// What an argument is bound to.
    enum Argument: Sendable {
        case name(String)
        case value(MILValue)
    }

    let type: String
    let name: String
    /// The arguments by parameter; several for a parameter that takes a list.
    let inputs: [String: [Argument]]
    let outputs: [MILNamedType]
    /// The value of a `const`.
    let value: MILValue?
    /// Whether it has blocks of its own, as control flow does.
    let hasBlocks: Bool

    init(_ message: WireMessage) throws {
        type = try message.text(1)
        outputs = try message.messages(3).map(MILNamedType.init)
        hasBlocks = try message.field(4) != nil
        var inputs: [String: [Argument]] = [:]
        for (key, argument) in try message.entries(2) {
            inputs[key] = try argument.messages(1).map { binding in
                if let value = try binding.message(2) { return .value(try MILValue(value)) }
                return .name(try binding.text(1))
            }
        }
        self.inputs = inputs
        var name = outputs.first?.name ?? ""
        var value: MILValue?
        for (key, attribute) in try message.entries(5) {
            if key == "name", let text = try MILValue(attribute).texts()?.first { name = text }
            if key == "val" { value = try MILValue(attribute) }
        }
        self.name = name
        self.value = value
    }

    /// The operation for messages, as in `operation 'conv_1' (conv)`.
    var place: String { "operation \(quoted(name)) (\(type.isEmpty ? "?" : type))" }
}
