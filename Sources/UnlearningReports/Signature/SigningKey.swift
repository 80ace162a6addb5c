public import Foundation

#if !canImport(CryptoKit)
    import COpenSSL
#endif

/// A private key that signs records: ECDSA over P-256, or Ed25519, in PEM.
public struct SigningKey: Sendable {
    private let path: String
    private let pem: Data
    package let algorithm: SignatureAlgorithm
    /// The SHA-256 of the public key (DER of its SubjectPublicKeyInfo), which names the key in signatures.
    package let identifier: SHA256Digest

    /// Reads a key.
    /// - Throws: ``SignatureError`` if the file is no such key, or is encrypted.
    public init(contentsOf url: URL) throws(SignatureError) {
        path = url.path
        pem = try KeyFile.read(url)
        #if canImport(CryptoKit)
            throw SignatureError(path, "cannot be used: signatures need OpenSSL's libcrypto; sign on Linux")
        #else
            let key = try OpenSSLKey(privatePEM: pem, path: path)
            algorithm = key.algorithm
            identifier = key.identifier
        #endif
    }

    /// Signs bytes.
    /// - Throws: ``SignatureError`` if the library refuses.
    package func signature(of data: Data) throws(SignatureError) -> Data {
        #if canImport(CryptoKit)
            throw SignatureError(path, "cannot be used: signatures need OpenSSL's libcrypto; sign on Linux")
        #else
            return try OpenSSLKey(privatePEM: pem, path: path).signature(of: data)
        #endif
    }
}

/// A public key that checks signatures: ECDSA over P-256, or Ed25519, in PEM.
public struct VerificationKey: Sendable {
    private let path: String
    private let pem: Data
    package let algorithm: SignatureAlgorithm
    /// The SHA-256 of the key (DER of its SubjectPublicKeyInfo), which names it in signatures.
    package let identifier: SHA256Digest

    /// Reads a key.
    /// - Throws: ``SignatureError`` if the file is no such key.
    public init(contentsOf url: URL) throws(SignatureError) {
        path = url.path
        pem = try KeyFile.read(url)
        #if canImport(CryptoKit)
            throw SignatureError(path, "cannot be used: signatures need OpenSSL's libcrypto; verify on Linux")
        #else
            let key = try OpenSSLKey(publicPEM: pem, path: path)
            algorithm = key.algorithm
            identifier = key.identifier
        #endif
    }

    /// Whether a signature is this key's, of these bytes.
    package func isValid(_ signature: Data, of data: Data) -> Bool {
        #if canImport(CryptoKit)
            false
        #else
            (try? OpenSSLKey(publicPEM: pem, path: path))?.isValid(signature, of: data) ?? false
        #endif
    }
}
