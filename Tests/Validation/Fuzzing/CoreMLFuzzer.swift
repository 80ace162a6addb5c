import Foundation
import NeuralGraph

/// Reads the input as a Core ML model, and writes back what could be read. Errors are fine; crashes and endless loops are
/// what is looked for.
///
/// An input is a specification in one file, or a package: `PKG`, a zero, the specification's length in four bytes, the
/// specification, and the weight file.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    let bytes = UnsafeBufferPointer(start: data, count: size)
    let url = package(bytes) ?? FuzzedFile("model.mlmodel", bytes).url
    guard let model = try? Model(coreML: url) else { return 0 }
    let folder = url.deletingLastPathComponent()
    try? model.write(to: folder.appendingPathComponent("written.\(url.pathExtension)"))
    var anew = model
    anew.origin = nil
    try? anew.write(to: folder.appendingPathComponent("anew.mlpackage"))
    return 0
}

/// A package of the input's parts; nil if the input is no package.
private func package(_ bytes: UnsafeBufferPointer<UInt8>) -> URL? {
    guard bytes.count >= 8, bytes.prefix(4).elementsEqual([0x50, 0x4b, 0x47, 0]) else { return nil }
    let length = (0..<4).reduce(0) { $0 | Int(bytes[4 + $1]) << (8 * $1) }
    guard length <= bytes.count - 8 else { return nil }
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
        "unlearning-fuzz-\(getpid())/m.mlpackage")
    let data = folder.appendingPathComponent("Data")
    let weights = data.appendingPathComponent("weights")
    try? FileManager.default.createDirectory(at: weights, withIntermediateDirectories: true)
    let manifest = #"{"itemInfoEntries": {"A": {"path": "model.mlmodel"}}, "rootModelIdentifier": "A"}"#
    for (url, part) in [
        (folder.appendingPathComponent("Manifest.json"), Array(manifest.utf8)),
        (data.appendingPathComponent("model.mlmodel"), Array(bytes[8..<(8 + length)])),
        (weights.appendingPathComponent("weight.bin"), Array(bytes[(8 + length)...])),
    ] {
        unlink(url.path)
        guard let file = fopen(url.path, "wb") else { continue }
        fwrite(part, 1, part.count, file)
        fclose(file)
    }
    return folder
}
