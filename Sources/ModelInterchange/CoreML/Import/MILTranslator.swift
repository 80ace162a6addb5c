import ModelFiles
import NeuralGraph

/// Translates an ML program to an ONNX graph.
struct MILTranslator {
    let function: MILFunction
    let files: CoreMLFiles
    let reader: ONNXTensorReader
    var graph: TranslatedGraph
    /// The values of `const` operations by name.
    private var constants: [String: MILValue] = [:]
    /// Names that stand for a tensor of another name, since both lie in the same place of the weight file.
    private var aliases: [String: String] = [:]
    /// The declared axes of every value.
    private var shapes: [String: [Int?]] = [:]
    /// Names that the tensors of a package of ours had before, by their names in the program.
    private let ownNames: [String: String]
    /// The names of the classes.
    private(set) var classNames: [String] = []
    /// The scores, if the program ends in `classify`.
    private var scores: String?

    /// - Parameter ownNames: names of tensors to use in place of the program's.
    init(_ function: MILFunction, files: CoreMLFiles, reader: ONNXTensorReader, ownNames: [String: String]) {
        self.function = function
        self.files = files
        self.reader = reader
        self.ownNames = ownNames
        let given = function.inputs + function.operations.flatMap(\.outputs)
        for value in given { shapes[value.name] = value.type.axes }
        graph = TranslatedGraph(names: Set(given.map(\.name) + ownNames.values))
    }

    /// Translates everything.
    mutating func run() throws {
        for input in function.inputs {
            guard case .tensor(_, let axes) = input.type else {
                throw ONNXProblem("the program's input \(quoted(input.name)) is no tensor; images are")
            }
            graph.declareInput(input.name, axes)
        }
        try readConstants()
        for operation in function.operations where operation.type != "const" {
            (graph.place, graph.name) = (operation.place, operation.name)
            try translate(operation)
        }
        if let scores {
            graph.declareOutput(scores, axes(scores))
        } else {
            for name in function.outputs { graph.declareOutput(name, axes(name)) }
        }
    }

    private mutating func translate(_ operation: MILOperation) throws {
        if operation.type == "classify" { return try classify(operation) }
        guard let rule = Self.rules[operation.type], !operation.hasBlocks else { throw unsupported(operation) }
        if let parameter = operation.inputs.keys.sorted().first(where: { !rule.parameters.contains($0) }) {
            throw ONNXProblem(
                "\(operation.place): has the parameter \(quoted(parameter)), which is not supported; convert the model "
                    + "without it")
        }
        try rule.translate(&self, operation)
    }

    private func unsupported(_ operation: MILOperation) -> ONNXProblem {
        let why =
            switch operation.type {
            case "constexpr_lut_to_dense": "has palettized weights, which are not read"
            case "constexpr_affine_dequantize", "constexpr_blockwise_shift_scale", "quantize", "dequantize":
                "has quantized weights or values, which are not read"
            case "constexpr_sparse_to_dense", "constexpr_sparse_blockwise_shift_scale", "constexpr_lut_to_sparse":
                "has sparse weights, which are not read"
            case "cond", "while_loop": "is control flow, which is not supported"
            case "read_state", "coreml_update_state": "has a state between calls, which no image classifier has"
            default:
                operation.hasBlocks
                    ? "is control flow, which is not supported"
                    : "is an operation that is not supported" + (operation.type.hasPrefix("custom") ? " (custom)" : "")
            }
        let remedy =
            operation.type.hasPrefix("constexpr") || operation.type.hasSuffix("quantize")
            ? "give the model as it was before it was compressed" : "convert the model without it"
        return ONNXProblem("\(operation.place): \(why); \(remedy)")
    }

    /// The end of a classifier: the classes' names, and the scores that the most likely one is picked by.
    private mutating func classify(_ operation: MILOperation) throws {
        guard scores == nil, let name = try self.name(operation, "probabilities") else {
            throw ONNXProblem("\(operation.place): has no probabilities, or is there twice; the file is damaged")
        }
        scores = name
        guard let classes = try value(operation, "classes"), let labels = try classes.classLabels() else {
            throw ONNXProblem("\(operation.place): has no list of classes; the file is damaged")
        }
        classNames = labels
    }

    // MARK: Constants

    private mutating func readConstants() throws {
        var blobs: [(start: Int, end: Int, name: String, file: String)] = []
        for operation in function.operations where operation.type == "const" {
            guard let output = operation.outputs.first, let value = operation.value else {
                throw ONNXProblem("\(operation.place): has no value; the file is damaged")
            }
            guard constants.updateValue(value, forKey: output.name) == nil else {
                throw ONNXProblem("\(operation.place): gives \(quoted(output.name)), which is given twice")
            }
            guard let tensor = try tensor(value, named: ownNames[output.name] ?? output.name) else { continue }
            if case .file(let file, let offset) = tensor.storage {
                let size = tensor.count * tensor.scalarType.byteCount
                blobs.append((offset, offset + size, output.name, file.path))
            }
            graph.store(tensor)
            if ownNames[output.name] != nil { aliases[output.name] = tensor.name }
        }
        try shareBlobs(blobs)
    }

    /// Constants that lie in the same place are one tensor; two that overlap otherwise cannot be right.
    private mutating func shareBlobs(_ blobs: [(start: Int, end: Int, name: String, file: String)]) throws {
        let sorted = blobs.sorted { ($0.file, $0.start, $0.end) < ($1.file, $1.start, $1.end) }
        var last: (start: Int, end: Int, name: String, file: String)?
        for blob in sorted {
            guard let first = last, first.file == blob.file, blob.start < first.end else {
                last = blob
                continue
            }
            guard first.start == blob.start, first.end == blob.end else {
                throw ONNXProblem(
                    "the tensors \(quoted(first.name)) and \(quoted(blob.name)) overlap in the weight file; the package is "
                        + "damaged")
            }
            aliases[blob.name] = aliases[first.name] ?? first.name
        }
    }

    /// A constant's numbers; nil if it is text.
    func tensor(_ value: MILValue, named name: String) throws -> ONNXTensor? {
        guard case .tensor(let type, let axes) = value.type, let scalarType = type.scalarType else { return nil }
        let place = "tensor \(quoted(name))"
        let dimensions = axes.compactMap(\.self)
        guard dimensions.count == axes.count else {
            throw ONNXProblem("\(place) has an axis without a length; the file is damaged")
        }
        try ONNXTensor.check(dimensions, scalarType, place)
        let count = dimensions.reduce(1, *)
        let storage: ONNXTensor.Storage
        switch value.storage {
        case .immediate(let message): storage = try Self.immediate(message, type, place)
        case .blob(let name, let offset):
            guard let blobType = type.blobType else {
                throw ONNXProblem("\(place) is of a type that weight files do not have; the package is damaged")
            }
            let file = try files.weights(name, of: place)
            let start = try WeightFile.find(
                in: file, record: offset, byteCount: count * scalarType.byteCount, type: blobType, of: place)
            storage = .file(file, offset: start)
        case .list, .other: throw ONNXProblem("\(place) has no value; the file is damaged")
        }
        return ONNXTensor(
            name: name, scalarType: scalarType, dimensions: dimensions, storage: storage, message: 0..<0)
    }

    /// Where the numbers lie that the specification itself holds.
    private static func immediate(
        _ message: WireMessage, _ type: MILDataType, _ place: String
    ) throws -> ONNXTensor.Storage {
        if let bytes = try message.message(7) {
            return .raw(try bytes.content(1) ?? bytes.range.lowerBound..<bytes.range.lowerBound)
        }
        let number =
            switch type {
            case .float32: 1
            case .int32: 2
            case .bool: 3
            case .int64: 5
            case .float64: 6
            default: 0
            }
        guard number > 0, let list = try message.message(number) else {
            throw ONNXProblem("\(place) is stored as another type than it is declared with; the file is damaged")
        }
        return .fields(try list.fields(1).map(\.bytes), number: 1)
    }

    // MARK: Arguments

    /// The name of an argument's value; nil if it is left out.
    mutating func name(_ operation: MILOperation, _ parameter: String) throws -> String? {
        guard let arguments = operation.inputs[parameter] else { return nil }
        guard let first = arguments.first, arguments.count == 1 else {
            throw ONNXProblem("\(operation.place): has \(arguments.count) values for \(quoted(parameter)), not one")
        }
        return try name(first, operation, parameter)
    }

    /// The names of a list's values.
    mutating func names(_ operation: MILOperation, _ parameter: String) throws -> [String] {
        var names: [String] = []
        for argument in operation.inputs[parameter] ?? [] { names.append(try name(argument, operation, parameter)) }
        return names
    }

    /// The name of an argument that must be there.
    mutating func required(_ operation: MILOperation, _ parameter: String) throws -> String {
        guard let name = try name(operation, parameter) else {
            throw ONNXProblem("\(operation.place): lacks its \(quoted(parameter)); the file is damaged")
        }
        return name
    }

    private mutating func name(
        _ argument: MILOperation.Argument, _ operation: MILOperation, _ parameter: String
    ) throws -> String {
        switch argument {
        case .name(let name): return aliases[name] ?? name
        case .value(let value):
            let name = graph.unique("\(operation.name).\(parameter)")
            guard let tensor = try tensor(value, named: name) else {
                throw ONNXProblem("\(operation.place): has text for \(quoted(parameter)), where numbers are needed")
            }
            graph.store(tensor)
            return name
        }
    }

    /// A setting, which has to be a constant; nil if it is left out.
    func value(_ operation: MILOperation, _ parameter: String) throws -> MILValue? {
        switch operation.inputs[parameter]?.first {
        case nil: return nil
        case .value(let value): return value
        case .name(let name):
            guard let value = constants[name] else {
                throw ONNXProblem(
                    "\(operation.place): computes its \(quoted(parameter)), which has to be a constant; convert the model "
                        + "with fixed shapes")
            }
            return value
        }
    }

    /// A setting of integers.
    func integers(_ operation: MILOperation, _ parameter: String) throws -> [Int]? {
        guard let tensor = try setting(operation, parameter) else { return nil }
        return try reader.integers(tensor)
    }

    func integer(_ operation: MILOperation, _ parameter: String) throws -> Int? {
        guard let values = try integers(operation, parameter) else { return nil }
        guard values.count == 1 else {
            throw ONNXProblem("\(operation.place): has \(values.count) numbers for \(quoted(parameter)), not one")
        }
        return values[0]
    }

    func flag(_ operation: MILOperation, _ parameter: String) throws -> Bool {
        try integer(operation, parameter) ?? 0 != 0
    }

    func number(_ operation: MILOperation, _ parameter: String) throws -> Float? {
        guard let tensor = try setting(operation, parameter) else { return nil }
        guard tensor.count == 1 else {
            throw ONNXProblem("\(operation.place): has \(tensor.count) numbers for \(quoted(parameter)), not one")
        }
        return try reader.floats(tensor).first
    }

    func text(_ operation: MILOperation, _ parameter: String) throws -> String? {
        guard let value = try value(operation, parameter) else { return nil }
        guard let text = try value.texts()?.first else {
            throw ONNXProblem("\(operation.place): has a \(quoted(parameter)) that is no word; the file is damaged")
        }
        return text
    }

    /// The most numbers that a setting may have.
    private static let longestSetting = 1 << 16

    private func setting(_ operation: MILOperation, _ parameter: String) throws -> ONNXTensor? {
        guard let value = try value(operation, parameter) else { return nil }
        guard let tensor = try tensor(value, named: parameter), tensor.count <= Self.longestSetting else {
            throw ONNXProblem("\(operation.place): has a \(quoted(parameter)) that is no setting; the file is damaged")
        }
        return tensor
    }

    // MARK: Shapes

    /// The declared axes of a value; nil if they are not.
    func axes(_ name: String) -> [Int?]? { shapes[name] }

    /// The declared number of axes of an argument.
    func rank(_ operation: MILOperation, _ parameter: String) throws -> Int {
        guard case .name(let name)? = operation.inputs[parameter]?.first, let axes = shapes[name] else {
            throw ONNXProblem("\(operation.place): has a \(quoted(parameter)) without a declared shape")
        }
        return axes.count
    }

    /// The declared length of an argument's axis.
    func length(_ operation: MILOperation, _ parameter: String, axis: Int) throws -> Int {
        guard case .name(let name)? = operation.inputs[parameter]?.first, let axes = shapes[name],
            axes.indices.contains(axis < 0 ? axis + axes.count : axis),
            let length = axes[axis < 0 ? axis + axes.count : axis], (1...ONNXImporter.largestSetting).contains(length)
        else {
            throw ONNXProblem(
                "\(operation.place): has a \(quoted(parameter)) whose axis \(axis) has no fixed length; convert the model "
                    + "with fixed shapes")
        }
        return length
    }
}
