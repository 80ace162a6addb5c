import Foundation
import ModelFiles

/// The files beside a model that hold its tensors. Only files inside the model's folder are opened, wherever the model
/// says that they are.
final class ONNXExternalFiles: Sendable {
    private let folder: String
    private let cache = Cache()

    /// The files that are open already. A model is read by one thread.
    private final class Cache: @unchecked Sendable {
        private let lock = NSLock()
        private var files: [String: RandomAccessFile] = [:]

        func file(_ path: String, open: () throws -> RandomAccessFile) rethrows -> RandomAccessFile {
            lock.lock()
            defer { lock.unlock() }
            if let file = files[path] { return file }
            let file = try open()
            files[path] = file
            return file
        }
    }

    init(besideModelAt url: URL) {
        folder = url.deletingLastPathComponent().path
    }

    /// Opens the file that a tensor lies in, and checks that the tensor does.
    /// - Parameter byteCount: how many bytes the tensor has.
    /// - Returns: the file and where in it the tensor begins.
    func find(_ data: ONNXExternalData, byteCount: Int, of place: String) throws -> (
        file: RandomAccessFile, offset: Int
    ) {
        if let length = data.length, length != byteCount {
            throw ONNXProblem(
                "\(place) takes \(byteCount) bytes, but \(length) of \(quoted(data.location)) are given as its own; "
                    + "the file is damaged")
        }
        let file = try open(data.location, of: place)
        guard byteCount <= file.size, data.offset <= file.size - byteCount else {
            throw ONNXProblem(
                "\(place) lies at byte \(data.offset) of \(quoted(data.location)) and takes \(byteCount), but that file "
                    + "has \(file.size); it is cut off or another model's")
        }
        return (file, data.offset)
    }

    /// Opens a file by its path in the model's folder.
    func open(_ location: String, of place: String) throws -> RandomAccessFile {
        let outside = ONNXProblem(
            "\(place) is said to lie in \(quoted(location)), which is not inside the model's folder and is not read; "
                + "put the file beside the model and save it again")
        let parts = location.split(separator: "/", omittingEmptySubsequences: false)
        guard !location.hasPrefix("/"), !location.contains("\\"), !location.utf8.contains(0), !parts.contains("..")
        else {
            throw outside
        }
        return try cache.file(location) {
            let path = folder + "/" + location
            guard let root = unsafe realpath(folder, nil) else {
                throw FileError(folder, "does not exist; check the path")
            }
            defer { unsafe free(root) }
            guard let target = unsafe realpath(path, nil) else {
                throw ONNXProblem(
                    "\(place) lies in the file \(quoted(location)), which is not in the model's folder; "
                        + "put it beside the model")
            }
            defer { unsafe free(target) }
            let (rootPath, targetPath) = unsafe (String(cString: root), String(cString: target))
            // A link inside the folder may lead out of it.
            guard targetPath.hasPrefix(rootPath.hasSuffix("/") ? rootPath : rootPath + "/") else { throw outside }
            return try RandomAccessFile(URL(fileURLWithPath: targetPath))
        }
    }
}
