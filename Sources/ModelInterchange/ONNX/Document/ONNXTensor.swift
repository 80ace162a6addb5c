import ModelFiles
import NeuralGraph

/// A tensor of an ONNX file: what it is, and where its numbers lie.
package struct ONNXTensor: Sendable {
    /// Where the numbers lie.
    enum Storage: Sendable {
        /// Little-endian numbers in the file (`raw_data`).
        case raw(Range<Int>)
        /// Fields of the file that hold numbers one by one or packed (`float_data`, `int32_data` and so on).
        case fields([Range<Int>], number: Int)
        /// Another file.
        case external(ONNXExternalData)
        /// Little-endian numbers in another file that is open, from an offset on.
        case file(RandomAccessFile, offset: Int)
        /// Little-endian numbers that the file does not have: a setting, or a default.
        case memory([UInt8])
    }

    let name: String
    package let scalarType: ONNXScalarType
    let dimensions: [Int]
    let storage: Storage
    /// Where the tensor's message lies in the file.
    let message: Range<Int>

    /// The number of elements.
    var count: Int { dimensions.reduce(1, *) }
    /// Whether the file has the numbers, so that trained ones can be written back.
    var isStored: Bool {
        if case .memory = storage { false } else { true }
    }

    /// The tensor's name for messages.
    var place: String { name.isEmpty ? "a constant" : "tensor \(quoted(name))" }
}

/// Which bytes of which other file are a tensor's.
struct ONNXExternalData: Sendable {
    /// The file's path, relative to the model's folder.
    var location: String
    var offset = 0
    /// How many bytes; all that the tensor needs if nil.
    var length: Int?
    /// Where the path lies in the model's file.
    var locationBytes: Range<Int>
}

/// How a tensor's elements are stored; the raw value is the number in the file.
package enum ONNXScalarType: Int, Sendable {
    case float32 = 1
    case uint8 = 2
    case int8 = 3
    case uint16 = 4
    case int16 = 5
    case int32 = 6
    case int64 = 7
    case bool = 9
    case float16 = 10
    case float64 = 11
    case uint32 = 12
    case uint64 = 13
    case bfloat16 = 16

    /// The bytes of one element.
    var byteCount: Int {
        switch self {
        case .float64, .int64, .uint64: 8
        case .float32, .int32, .uint32: 4
        case .float16, .bfloat16, .int16, .uint16: 2
        case .uint8, .int8, .bool: 1
        }
    }

    /// Whether it holds numbers with a fraction.
    var isFloat: Bool {
        switch self {
        case .float32, .float16, .bfloat16, .float64: true
        default: false
        }
    }

    /// The number of the field that holds such elements one by one.
    var fieldNumber: Int {
        switch self {
        case .float32: 4
        case .int64: 7
        case .float64: 10
        case .uint32, .uint64: 11
        default: 5
        }
    }
}

extension ONNXTensor {
    /// Reads a tensor's description. Its numbers are looked up later.
    init(_ bytes: [UInt8], in range: Range<Int>) throws(ONNXProblem) {
        var name = ""
        var type = 0
        var dimensions: [Int] = []
        var raw: Range<Int>?
        var fields: [Int: [Range<Int>]] = [:]
        var external: [(key: String, value: Range<Int>)] = []
        var isExternal = false
        var reader = WireReader(bytes, in: range)
        while let field = try reader.next() {
            switch field.number {
            case 1: dimensions += try bytes.integers(of: field, "a tensor's dimension")
            case 2: type = try field.integer("a tensor's data type")
            case 3: throw ONNXProblem("a tensor is stored in segments, which is not read; save the model again")
            case 4, 5, 6, 7, 10, 11: fields[field.number, default: []].append(field.bytes)
            case 8: name = try bytes.text(field.content("a tensor's name"))
            case 9: raw = try field.content("a tensor's raw data")
            case 13: external.append(try bytes.entry(field.content("a tensor's external data")))
            case 14: isExternal = try field.integer("a tensor's data location") == 1
            default: break
            }
        }
        let place = name.isEmpty ? "a constant" : "tensor \(quoted(name))"
        guard let scalarType = ONNXScalarType(rawValue: type) else {
            throw ONNXProblem("\(place) has the data type \(type), which is not read; convert it to float32")
        }
        try Self.check(dimensions, scalarType, place)
        let storage: Storage
        if isExternal {
            storage = .external(try ONNXExternalData(external, bytes, place))
        } else if let raw {
            storage = .raw(raw)
        } else {
            storage = .fields(fields[scalarType.fieldNumber] ?? [], number: scalarType.fieldNumber)
        }
        self.init(
            name: name, scalarType: scalarType, dimensions: dimensions, storage: storage, message: range)
    }
}

extension ONNXTensor {
    /// Checks that memory can hold a tensor. Axes of length 0 count as 1 here, so that no product of some of the axes
    /// overflows anywhere.
    static func check(_ dimensions: [Int], _ type: ONNXScalarType, _ place: String) throws(ONNXProblem) {
        var size = type.byteCount
        for length in dimensions {
            let (product, overflow) = size.multipliedReportingOverflow(by: max(1, length))
            guard length >= 0, !overflow else {
                throw ONNXProblem("\(place) has the shape \(dimensions), which no memory holds; the file is damaged")
            }
            size = product
        }
    }
}

extension ONNXExternalData {
    fileprivate init(
        _ entries: [(key: String, value: Range<Int>)], _ bytes: [UInt8], _ place: String
    ) throws(ONNXProblem) {
        self.init(location: "", locationBytes: 0..<0)
        for (key, value) in entries {
            let text = try bytes.text(value)
            switch key {
            case "location": (location, locationBytes) = (text, value)
            case "offset": offset = try Self.number(text, key, place)
            case "length": length = try Self.number(text, key, place)
            default: break
            }
        }
        guard !location.isEmpty else {
            throw ONNXProblem("\(place) lies in another file that is not named; the file is damaged")
        }
    }

    private static func number(_ text: String, _ key: String, _ place: String) throws(ONNXProblem) -> Int {
        guard let number = Int(text), number >= 0 else {
            throw ONNXProblem("the \(key) of \(place) is \(quoted(text)), which is no number of bytes")
        }
        return number
    }
}
