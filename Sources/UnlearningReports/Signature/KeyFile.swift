import Foundation
import Unlearning

/// A file with a key in PEM, and what kind of key it is.
struct KeyFile: Sendable {
    private let path: String
    private let pem: Data
    private let isPrivate: Bool
    let algorithm: SignatureAlgorithm
    let identifier: SHA256Digest

    /// The maximum size of a key's file in bytes; keys have a few hundred.
    private static let maximumSize = 64 << 10

    /// Reads a key.
    /// - Throws: ``SignatureError`` if the file is no key of the kind.
    init(_ url: URL, isPrivate: Bool) throws(SignatureError) {
        (path, self.isPrivate) = (url.path, isPrivate)
        pem = try Self.read(url)
        #if canImport(CryptoKit)
            throw Self.unusable(path)
        #else
            let key = try Self.key(pem, path: path, isPrivate: isPrivate)
            (algorithm, identifier) = (key.algorithm, key.identifier)
        #endif
    }

    #if canImport(CryptoKit)
        /// The error of a platform without OpenSSL.
        var unusable: SignatureError { Self.unusable(path) }

        private static func unusable(_ path: String) -> SignatureError {
            SignatureError(path, "cannot be used: signatures need OpenSSL's libcrypto; sign and verify on Linux")
        }
    #else
        /// The key in OpenSSL's form, which only one thread may use.
        func key() throws(SignatureError) -> OpenSSLKey { try Self.key(pem, path: path, isPrivate: isPrivate) }

        private static func key(_ pem: Data, path: String, isPrivate: Bool) throws(SignatureError) -> OpenSSLKey {
            isPrivate
                ? try OpenSSLKey(privatePEM: pem, path: path) : try OpenSSLKey(publicPEM: pem, path: path)
        }
    #endif

    /// Reads a file.
    /// - Throws: ``SignatureError`` if it is missing, unreadable, or too large for a key.
    private static func read(_ url: URL) throws(SignatureError) -> Data {
        do throws(FileError) {
            let file = try RandomAccessFile(url)
            guard file.size <= maximumSize else {
                throw FileError(url.path, "is larger than any key; give a key in PEM")
            }
            return Data(try file.bytes(0..<file.size))
        } catch {
            throw SignatureError(url.path, error.message)
        }
    }
}

/// The kinds of keys that sign records.
package enum SignatureAlgorithm: String, Sendable, CaseIterable {
    /// ECDSA over NIST's curve P-256 with SHA-256; signatures are in DER.
    case ecdsaP256 = "ecdsa-p256-sha256"
    /// Ed25519 (RFC 8032); signatures have 64 bytes.
    case ed25519

    static let remedy =
        "make one by 'openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem', or by 'openssl genpkey "
        + "-algorithm ED25519 -out key.pem'"
}
