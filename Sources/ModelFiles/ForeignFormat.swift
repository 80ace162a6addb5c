import Foundation

/// File formats that people mistake for a supported one, recognized by their content.
enum ForeignFormat: CaseIterable {
    case pyTorch, torchScript, keras, zip, hdf5, savedModel, tensorFlowLite, numPy, gguf, gzip, xz, zstandard, bzip2,
        tar
    case lfsPointer, webPage, index, json

    /// The number of bytes read at the beginning.
    private static let headCount = 2048
    /// The number of bytes read at the end, where a ZIP archive has its names.
    private static let tailCount = 65_536

    /// Recognizes a file; nil if it has none of these formats, whether or not it is a model.
    /// - Throws: ``FileError`` if it cannot be read.
    init?(of file: RandomAccessFile) throws(FileError) {
        let head = try file.bytes(0..<min(Self.headCount, file.size))
        // A safetensors file begins with its header's length, which may look like anything, and the header with a brace.
        if head.count > 8, head[8] == UInt8(ascii: "{"), head[4..<8].allSatisfy({ $0 == 0 }) { return nil }
        if head.starts(with: "PK\u{03}\u{04}".utf8) {
            let tail = try file.bytes(max(0, file.size - Self.tailCount)..<file.size)
            self = Self.archive(names: head + tail)
            return
        }
        guard let found = Self.bySignature(head) ?? Self.byText(head) else { return nil }
        self = found
    }

    /// What a folder is that people mistake for a model, and the remedy; nil for other folders and for files.
    static func message(forFolder url: URL) -> String? {
        func has(_ name: String) -> Bool {
            FileManager.default.fileExists(atPath: url.appendingPathComponent(name).path)
        }
        if has("coremldata.bin") || has("model.mil") {
            return
                "is a compiled Core ML model, which is not read; give the .mlpackage or .mlmodel that it was made from"
        }
        return has("saved_model.pb") ? savedModel.message : nil
    }

    private static func archive(names: [UInt8]) -> ForeignFormat {
        if names.contains("constants.pkl") { return .torchScript }
        if names.contains("data.pkl") { return .pyTorch }
        if names.contains(".weights.h5") { return .keras }
        return names.contains(".npy") ? .numPy : .zip
    }

    private static func bySignature(_ head: [UInt8]) -> ForeignFormat? {
        let signatures: [(ForeignFormat, at: Int, [UInt8])] = [
            (.hdf5, 0, [0x89] + Array("HDF\r\n\u{1A}\n".utf8)), (.numPy, 0, [0x93] + Array("NUMPY".utf8)),
            (.gguf, 0, Array("GGUF".utf8)), (.tensorFlowLite, 4, Array("TFL3".utf8)),
            (.gzip, 0, [0x1f, 0x8b, 8]), (.xz, 0, [0xfd] + Array("7zXZ\0".utf8)),
            (.zstandard, 0, [0x28, 0xb5, 0x2f, 0xfd]),
            (.bzip2, 0, Array("BZh".utf8)), (.tar, 257, Array("ustar".utf8)),
            (.lfsPointer, 0, Array("version https://git-lfs.github.com/".utf8)),
        ]
        for (format, offset, bytes) in signatures where head.dropFirst(offset).starts(with: bytes) { return format }
        // A pickle's first instruction is its protocol's number; PyTorch's older files are several pickles.
        if head.count > 2, head[0] == 0x80, (2...5).contains(head[1]) { return .pyTorch }
        // TensorFlow's schema version is 1, and a message follows; ONNX has been at 3 or more since it was released.
        if head.count > 3, head[0] == 0x08, head[1] == 1, head[2] == 0x12 { return .savedModel }
        return nil
    }

    private static func byText(_ head: [UInt8]) -> ForeignFormat? {
        let spaces: [UInt8] = [0x20, 0x09, 0x0a, 0x0d]
        let text = head.drop { spaces.contains($0) }
        let lowercase = String(decoding: text.prefix(100), as: UTF8.self).lowercased()
        if lowercase.hasPrefix("<!doctype html") || lowercase.hasPrefix("<html") { return .webPage }
        guard text.first == UInt8(ascii: "{"),
            let next = text.dropFirst().first(where: { !spaces.contains($0) }), next == UInt8(ascii: "\"")
        else { return nil }
        return head.contains("\"weight_map\"") || head.contains("\"total_size\"") ? .index : .json
    }

    /// The format and the remedy.
    var message: String {
        let write = "safetensors.torch.save_file(model.state_dict(), \"model.safetensors\")"
        let export = "export the model as ONNX and give that file"
        switch self {
        case .pyTorch:
            return
                "is a PyTorch pickle, as torch.save writes it, which is not read, since a pickle can run any program; "
                + "load it in Python and write \(write)"
        case .torchScript:
            return "is a TorchScript archive, which is not read; load it by torch.jit.load and write \(write)"
        case .keras:
            return "is a Keras archive, which is not read; \(export), as by model.export(\"m.onnx\", format=\"onnx\")"
        case .hdf5: return "is an HDF5 file, as Keras writes it, which is not read; \(export)"
        case .savedModel: return "is a TensorFlow SavedModel, which is not read; \(export), as by tf2onnx"
        case .tensorFlowLite: return "is a TensorFlow Lite model, which is not read; \(export), as by tf2onnx"
        case .numPy: return "is a NumPy file, which is not read; write its arrays by safetensors.numpy.save_file"
        case .gguf: return "is a GGUF file, a language model's, and not an image classifier's"
        case .zip: return "is a ZIP archive; unpack it and give the model's file"
        case .tar: return "is a tar archive; unpack it and give the model's file"
        case .gzip: return "is compressed by gzip; unpack it, as by gunzip"
        case .xz: return "is compressed by xz; unpack it, as by unxz"
        case .zstandard: return "is compressed by Zstandard; unpack it, as by unzstd"
        case .bzip2: return "is compressed by bzip2; unpack it, as by bunzip2"
        case .lfsPointer: return "is a Git LFS pointer and not the file itself; fetch that by git lfs pull"
        case .webPage: return "is a web page and not a model; download the file itself"
        case .index:
            return "is the index of a model in several files; join them in Python: load each by "
                + "safetensors.torch.load_file and write all tensors by safetensors.torch.save_file"
        case .json: return "is a JSON file and not a model; give the file with the weights"
        }
    }
}

extension [UInt8] {
    /// Whether a text's bytes are somewhere in the array.
    fileprivate func contains(_ text: String) -> Bool {
        let wanted = Array(text.utf8)
        guard let first = wanted.first, count >= wanted.count else { return false }
        return (0...count - wanted.count).contains { self[$0] == first && self[$0...].starts(with: wanted) }
    }
}
