extension SafetensorsFile {
    /// How a tensor's elements are stored; the raw value is the name in the file.
    public enum ScalarType: String, Sendable, CaseIterable {
        case float64 = "F64"
        case float32 = "F32"
        case float16 = "F16"
        /// The upper half of a `float32`.
        case bfloat16 = "BF16"
        case float8E4M3 = "F8_E4M3"
        case float8E5M2 = "F8_E5M2"
        case float8E8M0 = "F8_E8M0"
        case int64 = "I64"
        case int32 = "I32"
        case int16 = "I16"
        case int8 = "I8"
        case uint64 = "U64"
        case uint32 = "U32"
        case uint16 = "U16"
        case uint8 = "U8"
        case bool = "BOOL"
        case complex64 = "C64"

        /// The bytes of one element.
        package var byteCount: Int {
            switch self {
            case .float64, .int64, .uint64, .complex64: 8
            case .float32, .int32, .uint32: 4
            case .float16, .bfloat16, .int16, .uint16: 2
            case .float8E4M3, .float8E5M2, .float8E8M0, .int8, .uint8, .bool: 1
            }
        }

        /// The types that tensors are read from.
        package static let readable: [ScalarType] = [.float32, .float16, .bfloat16, .float64, .int64, .int32]
    }
}
