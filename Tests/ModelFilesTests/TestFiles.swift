import Foundation
import TestSupport

extension TemporaryFolder {
    /// Writes a safetensors file by its parts.
    func safetensors(_ header: String, data: Int = 0, length: UInt64? = nil) throws -> URL {
        try safetensors(Array(header.utf8), data: [UInt8](repeating: 0, count: data), length: length)
    }

    func safetensors(_ header: [UInt8], data: [UInt8], length: UInt64? = nil) throws -> URL {
        var bytes = Data()
        withUnsafeBytes(of: (length ?? UInt64(header.count)).littleEndian) { bytes.append(contentsOf: $0) }
        bytes.append(contentsOf: header)
        bytes.append(contentsOf: data)
        let url = file("file.safetensors")
        try bytes.write(to: url)
        return url
    }
}
