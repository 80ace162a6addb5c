package import Foundation

/// A Core ML package as a folder of files, whatever they hold.
package enum CoreMLPackage {
    /// The file by which a folder is known as a package.
    package static let manifestName = "Manifest.json"

    /// Whether a path is that of a package.
    package static func isPackage(_ url: URL) -> Bool {
        var isFolder: ObjCBool = false
        return unsafe FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) && isFolder.boolValue
            && FileManager.default.fileExists(atPath: url.appendingPathComponent(manifestName).path)
    }

    /// The paths of all files below a package's folder, sorted by their bytes.
    /// - Throws: ``FileError`` if the package has links or devices in it, or cannot be listed.
    package static func contents(of url: URL) throws(FileError) -> [String] {
        var files: [String] = []
        var folders = [""]
        while let folder = folders.popLast() {
            for name in try names(in: folder, of: url) {
                let path = folder.isEmpty ? name : folder + "/" + name
                var status = stat()
                guard unsafe lstat(url.appendingPathComponent(path).path, &status) == 0 else { continue }
                switch status.st_mode & S_IFMT {
                case S_IFREG: files.append(path)
                case S_IFDIR: folders.append(path)
                default:
                    throw FileError(
                        url.path,
                        "has \(quoted(path)) in it, which is neither a file nor a folder; save the model again")
                }
            }
        }
        return files.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    private static func names(in folder: String, of url: URL) throws(FileError) -> [String] {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: url.appendingPathComponent(folder).path)
        } catch {
            throw FileError(url.path, "cannot be listed: \(error.localizedDescription)")
        }
    }
}
