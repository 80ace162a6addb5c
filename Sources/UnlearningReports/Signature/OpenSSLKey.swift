#if !canImport(CryptoKit)
    import COpenSSL
    import Foundation

    /// A key in libcrypto's memory.
    struct OpenSSLKey: ~Copyable {
        let algorithm: SignatureAlgorithm
        let identifier: SHA256Digest
        private let key: OpaquePointer

        /// Reads a private key.
        init(privatePEM pem: Data, path: String) throws(SignatureError) {
            let key = Self.parsed(pem) { PEM_read_bio_PrivateKey($0, nil, refusePassword, nil) }
            guard let key else {
                let text = String(decoding: pem, as: UTF8.self)
                if text.contains("ENCRYPTED") {
                    throw SignatureError(
                        path,
                        "is an encrypted key; decrypt it by 'openssl pkey -in KEY -out PLAIN', and protect the file")
                }
                let isPublic = text.contains("BEGIN PUBLIC KEY")
                throw SignatureError(
                    path,
                    (isPublic ? "is a public key, and signing takes the private one; " : "is no private key in PEM; ")
                        + SignatureAlgorithm.remedy)
            }
            try self.init(taking: key, path: path)
        }

        /// Reads a public key.
        init(publicPEM pem: Data, path: String) throws(SignatureError) {
            guard let key = Self.parsed(pem, { PEM_read_bio_PUBKEY($0, nil, refusePassword, nil) }) else {
                throw SignatureError(
                    path, "is no public key in PEM; make one by 'openssl pkey -in key.pem -pubout -out public.pem'")
            }
            try self.init(taking: key, path: path)
        }

        private init(taking key: OpaquePointer, path: String) throws(SignatureError) {
            guard let algorithm = Self.algorithm(of: key), let der = Self.publicDER(of: key) else {
                EVP_PKEY_free(key)
                throw SignatureError(
                    path,
                    "is no key of ECDSA over P-256 or of Ed25519, which records are signed by; "
                        + SignatureAlgorithm.remedy)
            }
            self.key = key
            self.algorithm = algorithm
            identifier = SHA256Digest(of: der)
        }

        deinit { EVP_PKEY_free(key) }

        private static func parsed(_ pem: Data, _ read: (OpaquePointer?) -> OpaquePointer?) -> OpaquePointer? {
            let bytes = [UInt8](pem)
            defer { ERR_clear_error() }
            return bytes.withUnsafeBytes { buffer in
                guard let input = BIO_new_mem_buf(buffer.baseAddress, Int32(buffer.count)) else { return nil }
                defer { BIO_free(input) }
                return read(input)
            }
        }

        private static func algorithm(of key: OpaquePointer) -> SignatureAlgorithm? {
            switch EVP_PKEY_get_base_id(key) {
            case EVP_PKEY_ED25519: return .ed25519
            case EVP_PKEY_EC:
                var name = [CChar](repeating: 0, count: 64)
                var length = 0
                guard EVP_PKEY_get_group_name(key, &name, name.count, &length) == 1 else { return nil }
                let text = String(decoding: name.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self)
                return ["prime256v1", "P-256"].contains(text) ? .ecdsaP256 : nil
            default: return nil
            }
        }

        private static func publicDER(of key: OpaquePointer) -> Data? {
            var start: UnsafeMutablePointer<UInt8>?
            let count = i2d_PUBKEY(key, &start)
            guard count > 0, let start else { return nil }
            defer { CRYPTO_free(start, #file, #line) }
            return Data(bytes: start, count: Int(count))
        }

        /// The digest that the algorithm computes of its input; Ed25519 has its own.
        private var digest: OpaquePointer? { algorithm == .ecdsaP256 ? EVP_sha256() : nil }

        /// Signs bytes.
        func signature(of data: Data) throws(SignatureError) -> Data {
            let bytes = [UInt8](data)
            let context = EVP_MD_CTX_new()
            defer {
                EVP_MD_CTX_free(context)
                ERR_clear_error()
            }
            var length = 0
            guard EVP_DigestSignInit(context, nil, digest, nil, key) == 1,
                EVP_DigestSign(context, nil, &length, bytes, bytes.count) == 1
            else { throw SignatureError("key", "libcrypto refuses to sign by it") }
            var signature = [UInt8](repeating: 0, count: length)
            guard EVP_DigestSign(context, &signature, &length, bytes, bytes.count) == 1 else {
                throw SignatureError("key", "libcrypto refuses to sign by it")
            }
            return Data(signature.prefix(length))
        }

        /// Whether a signature is this key's, of these bytes.
        func isValid(_ signature: Data, of data: Data) -> Bool {
            let (bytes, given) = ([UInt8](data), [UInt8](signature))
            let context = EVP_MD_CTX_new()
            defer {
                EVP_MD_CTX_free(context)
                ERR_clear_error()
            }
            return EVP_DigestVerifyInit(context, nil, digest, nil, key) == 1
                && EVP_DigestVerify(context, given, given.count, bytes, bytes.count) == 1
        }
    }

    /// Gives no password, where libcrypto would ask for one at the terminal.
    private func refusePassword(
        _ buffer: UnsafeMutablePointer<CChar>?, _ size: Int32, _ isWriting: Int32, _ data: UnsafeMutableRawPointer?
    ) -> Int32 { -1 }
#endif
