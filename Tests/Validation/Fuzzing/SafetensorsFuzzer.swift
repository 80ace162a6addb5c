import Foundation
import ModelFiles

/// Reads the input as a safetensors file and all tensors in it. Errors are fine; crashes and endless loops are what is
/// looked for.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    let file = FuzzedFile("model.safetensors", UnsafeBufferPointer(start: data, count: size))
    guard let opened = try? SafetensorsFile(contentsOf: file.url) else { return 0 }
    _ = try? ModelDescription(opened, path: file.url.path)
    _ = try? opened.tensors()
    return 0
}
