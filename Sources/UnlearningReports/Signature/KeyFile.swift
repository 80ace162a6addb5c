import Foundation
import Unlearning

/// A file with a key in PEM.
enum KeyFile {
    /// The maximum size of a key's file in bytes; keys have a few hundred.
    private static let maximumSize = 64 << 10

    /// Reads a file.
    /// - Throws: ``SignatureError`` if it is missing, unreadable, or too large for a key.
    static func read(_ url: URL) throws(SignatureError) -> Data {
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
