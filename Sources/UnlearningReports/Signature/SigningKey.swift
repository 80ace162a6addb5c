public import Foundation
public import Unlearning

/// A private key that signs records: ECDSA over P-256, or Ed25519, in PEM.
public struct SigningKey: Sendable {
    private let file: KeyFile
    package var algorithm: SignatureAlgorithm { file.algorithm }
    /// The SHA-256 of the public key (DER of its SubjectPublicKeyInfo), which names the key in signatures.
    package var identifier: SHA256Digest { file.identifier }

    /// Reads a key.
    /// - Throws: ``SignatureError`` if the file is no such key, or is encrypted.
    public init(contentsOf url: URL) throws(SignatureError) { file = try KeyFile(url, isPrivate: true) }

    /// Signs bytes.
    /// - Throws: ``SignatureError`` if the library refuses.
    package func signature(of data: Data) throws(SignatureError) -> Data {
        #if canImport(CryptoKit)
            throw file.unusable
        #else
            return try file.key().signature(of: data)
        #endif
    }
}

/// A public key that checks signatures: ECDSA over P-256, or Ed25519, in PEM.
public struct VerificationKey: Sendable {
    private let file: KeyFile
    package var algorithm: SignatureAlgorithm { file.algorithm }
    /// The SHA-256 of the key (DER of its SubjectPublicKeyInfo), which names it in signatures.
    package var identifier: SHA256Digest { file.identifier }

    /// Reads a key.
    /// - Throws: ``SignatureError`` if the file is no such key.
    public init(contentsOf url: URL) throws(SignatureError) { file = try KeyFile(url, isPrivate: false) }

    /// Whether a signature is this key's, of these bytes.
    package func isValid(_ signature: Data, of data: Data) -> Bool {
        #if canImport(CryptoKit)
            false
        #else
            (try? file.key())?.isValid(signature, of: data) ?? false
        #endif
    }
}

/// An error of a key or a signed envelope, with the file, the fault and the remedy.
public struct SignatureError: DescribedError, Equatable {
    /// The file's path.
    package let path: String
    /// The fault and the remedy.
    public let message: String

    package init(_ path: String, _ message: String) {
        self.path = path
        self.message = message
    }

    /// The path and the message in one line.
    public var description: String { "\(path): \(message)" }
}
