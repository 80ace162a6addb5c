public import Foundation
public import Unlearning

#if canImport(CryptoKit)
    public import CryptoKit
#else
    import COpenSSL
#endif

/// A SHA-256 digest (FIPS 180-4), as 64 hexadecimal digits.
public struct SHA256Digest: Sendable, Hashable, CustomStringConvertible {
    package let text: String

    /// The digits, in lower case.
    public var description: String { text }

    /// Takes digits; nil if they are not 64 hexadecimal digits.
    package init?(_ text: String) {
        guard text.utf8.count == 64, text.allSatisfy({ $0.isASCII && $0.isHexDigit }) else { return nil }
        self.text = text.lowercased()
    }

    /// Computes the digest of bytes.
    package init(of data: Data) {
        var hash = SHA256Hash()
        hash.update(data)
        self.init(hash.finish())
    }

    /// Computes the digest of bytes in an array.
    package init(of bytes: [UInt8]) { self.init(of: Data(bytes)) }

    /// Computes the digest of a file, which is read in pieces, or of a Core ML package.
    ///
    /// A package's digest is that of the list that `find . -type f | LC_ALL=C sort | xargs sha256sum` prints in its folder.
    /// - Throws: `FileError` if the file is missing, cannot be read, or is a pipe or device.
    public init(ofFile url: URL) throws(FileError) {
        if CoreMLPackage.isPackage(url) {
            var list = ""
            for location in try CoreMLPackage.contents(of: url) {
                let digest = try SHA256Digest(ofSingleFile: url.appendingPathComponent(location))
                list += "\(digest)  ./\(location)\n"
            }
            self.init(of: Data(list.utf8))
        } else {
            try self.init(ofSingleFile: url)
        }
    }

    private init(ofSingleFile url: URL) throws(FileError) {
        let file = try RandomAccessFile(url)
        var hash = SHA256Hash()
        var piece = [UInt8](repeating: 0, count: min(1 << 20, file.size))
        var offset = 0
        while offset < file.size {
            let count = min(piece.count, file.size - offset)
            let read = piece.withUnsafeMutableBytes { buffer in
                Result { () throws(FileError) in
                    try file.read(at: offset, into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<count]))
                }
            }
            try read.get()
            hash.update(Data(piece[..<count]))
            offset += count
        }
        self.init(hash.finish())
    }

    /// Computes the digest of the file that a model would be written as.
    /// - Parameters:
    ///   - url: the file, whose extension gives the format; a safetensors file if nil.
    ///   - write: writes the model to a file.
    /// - Throws: an error in writing to the system's temporary folder.
    package init(
        of model: Model, goingTo url: URL? = nil,
        write: (Model, URL) throws -> Void = { try $0.writeSafetensors(to: $1) }
    ) throws {
        let folder = try ScratchFolder()
        let file = folder.url.appendingPathComponent(url?.lastPathComponent ?? "model.safetensors")
        try write(model, file)
        self = try withExtendedLifetime(folder) { try SHA256Digest(ofFile: file) }
    }

    private init(_ digest: [UInt8]) {
        let digits = Array("0123456789abcdef")
        text = String(digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }
}

extension SHA256Digest: Codable {
    /// Reads the digits as one string.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let digest = SHA256Digest(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "a SHA-256 has 64 hexadecimal digits")
        }
        self = digest
    }

    /// Writes the digits as one string.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}

/// A SHA-256 computation over pieces of data, by the platform's library.
private struct SHA256Hash: ~Copyable {
    #if canImport(CryptoKit)
        private var hash = SHA256()

        mutating func update(_ data: Data) { hash.update(data: data) }

        consuming func finish() -> [UInt8] { Array(hash.finalize()) }
    #else
        private let context = EVP_MD_CTX_new()

        // These calls fail only where libcrypto was built without SHA-256 or memory has run out.
        init() {
            let started = EVP_DigestInit_ex(context, EVP_sha256(), nil)
            precondition(context != nil && started == 1, "libcrypto cannot compute SHA-256")
        }

        deinit { EVP_MD_CTX_free(context) }

        mutating func update(_ data: Data) {
            let result = data.withUnsafeBytes { EVP_DigestUpdate(context, $0.baseAddress, $0.count) }
            precondition(result == 1, "libcrypto cannot compute SHA-256")
        }

        consuming func finish() -> [UInt8] {
            var digest = [UInt8](repeating: 0, count: 32)
            let result = digest.withUnsafeMutableBufferPointer { EVP_DigestFinal_ex(context, $0.baseAddress, nil) }
            precondition(result == 1, "libcrypto cannot compute SHA-256")
            return digest
        }
    #endif
}

extension SHA256Digest {
    /// The version of OpenSSL's libcrypto that computes digests, such as `3.0.13`; nil where CryptoKit does.
    package static var libraryVersion: String? {
        #if canImport(CryptoKit)
            nil
        #else
            // "OpenSSL 3.0.13 30 Jan 2024"
            OpenSSL_version(OPENSSL_VERSION).flatMap {
                String(cString: $0).split(separator: " ").dropFirst().first.map(String.init)
            }
        #endif
    }
}
