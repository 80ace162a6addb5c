import Foundation

/// An input as a file in a folder of this process.
struct FuzzedFile {
    let folder: URL
    let url: URL

    init(_ name: String, _ bytes: UnsafeBufferPointer<UInt8>) {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("unlearning-fuzz-\(getpid())")
        url = folder.appendingPathComponent(name)
        try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        // Replaced, not truncated, which would wait for the disk.
        unlink(url.path)
        guard let file = fopen(url.path, "wb") else { return }
        fwrite(bytes.baseAddress, 1, bytes.count, file)
        fclose(file)
    }
}
