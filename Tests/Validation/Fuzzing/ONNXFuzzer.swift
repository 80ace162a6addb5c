import Foundation
import NeuralGraph

/// Reads the input as an ONNX file, and writes back what could be read. Errors are fine; crashes and endless loops are
/// what is looked for.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    let file = FuzzedFile("model.onnx", UnsafeBufferPointer(start: data, count: size))
    guard let model = try? Model(onnx: file.url) else { return 0 }
    try? model.write(to: file.folder.appendingPathComponent("written.onnx"))
    return 0
}
