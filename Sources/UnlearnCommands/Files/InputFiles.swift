import Foundation
import ImageFolders
import ModelInterchange
import Unlearning

/// The files that a run reads. No file that it writes may replace or join them, whatever path or link names it.
struct InputFiles {
    private let models: [URL]
    private let files: [URL]
    private let datasets: [DatasetArgument]

    /// - Parameters:
    ///   - models: models' paths; the files beside them that hold their tensors are found.
    ///   - files: other files' paths.
    ///   - datasets: data sets, of which both splits count; nil stands for one that was not given.
    init(models: [String] = [], files: [String] = [], datasets: [DatasetArgument?] = []) {
        self.models = models.map { URL(fileURLWithPath: $0) }
        self.files = files.map { URL(fileURLWithPath: $0) }
        self.datasets = datasets.compactMap(\.self)
    }

    /// Checks, before the work, that files can be written, differ from each other, and are not read.
    /// - Throws: `FileError` that names the file.
    func check(_ outputs: [URL]) throws {
        for output in outputs {
            if ModelFormat(writing: output) == .coreMLPackage {
                try AtomicFolder.checkDestination(output)
            } else {
                try AtomicFile.checkDestination(output)
            }
        }
        var places: [String: URL] = [:]
        for output in outputs {
            if let other = places.updateValue(output, forKey: Self.place(of: output)) {
                throw FileError(output.path, "is already written by this run, as \(other.path); give another name")
            }
        }
        try checkNotRead(outputs)
    }

    /// Checks that a folder can be filled: it is not read, and nothing in it is.
    func check(folder: URL) throws {
        try Self.checkOutside(contents, folder.appendingPathComponent("file"))
        guard let identity = FileIdentity(folder) else { return }
        let inputs = allFiles + datasets.compactMap(\.folder)
        for input in inputs where Self.foldersAbove(input).contains(where: { $0.identity == identity }) {
            throw FileError(folder.path, "holds \(input.path), an input of this run; give another folder")
        }
    }

    /// Checks that no file is read.
    func checkNotRead(_ outputs: [URL]) throws {
        let contents = contents
        for output in outputs {
            try Self.checkOutside(contents, output)
            try checkOutsidePackages(output)
        }
        let written = outputs.flatMap(Self.written).flatMap { [$0, Self.target(of: $0)] }
        let existing = written.compactMap { url in FileIdentity(url).map { (url, $0) } }
        // A file that does not exist is not read either. Listing what is read may take a while.
        guard !existing.isEmpty else { return }
        let read = Set(allFiles.compactMap { FileIdentity($0) }).union(contents.flatMap(\.files))
        for (url, identity) in existing where read.contains(identity) {
            throw FileError(url.path, "is an input of this run and is not replaced; give another name")
        }
    }

    /// The files that are written for a destination. A model from ONNX with tensors in separate files is written so too, and
    /// a Core ML package with all that is in it.
    private static func written(for output: URL) -> [URL] {
        switch ModelFormat(writing: output) {
        case .onnx: [output] + Model.filesBeside(modelAt: output)
        case .coreMLPackage: [output] + Model.externalFiles(ofModelAt: output)
        case .safetensors, .coreMLFile: [output]
        }
    }

    /// Checks that a file would not lie in a package that is read.
    private func checkOutsidePackages(_ output: URL) throws {
        let packages = Set(
            models.filter { (try? ModelFormat(reading: $0)) == .coreMLPackage }.compactMap { FileIdentity($0) })
        guard !packages.isEmpty else { return }
        for place in [output, Self.target(of: output)]
        where Self.foldersAbove(place).contains(where: { packages.contains($0.identity) }) {
            throw FileError(output.path, "lies in a model that this run reads; give a place outside")
        }
    }

    /// Every file that is named, and the files that belong to it.
    private var allFiles: [URL] {
        models + models.flatMap { Model.externalFiles(ofModelAt: $0) } + files + datasets.flatMap(\.files)
    }

    /// The contents of the folders of pictures, each listed once.
    private var contents: [FolderContents] { Set(datasets.compactMap(\.folder)).map { FolderContents($0) } }

    /// Checks that a file would not lie among a data set's pictures, nor in a new folder that would be one of its classes.
    private static func checkOutside(_ contents: [FolderContents], _ output: URL) throws {
        guard !contents.isEmpty else { return }
        for place in [output, target(of: output)] {
            let above = foldersAbove(place)
            for folder in contents {
                let isInClass = above.contains { folder.folders.contains($0.identity) }
                let isInNewClass = above.first.map { folder.roots.contains($0.identity) && !$0.isParent } ?? false
                guard isInClass || isInNewClass else { continue }
                throw FileError(
                    output.path, "lies among the pictures of a data set that this run reads; give a place outside")
            }
        }
    }

    private struct Folder {
        let identity: FileIdentity
        /// Whether the file would lie in it directly.
        let isParent: Bool
    }

    /// The existing folders above a file, from the nearest up. The system resolves the path, since `..` after a link does not
    /// lead where the text suggests.
    private static func foldersAbove(_ file: URL) -> [Folder] {
        let parent = folder(of: file.absoluteURL.path)
        var path = parent
        while path != "/", FileIdentity(URL(fileURLWithPath: path)) == nil { path = folder(of: path) }
        let isParent = path == parent
        path = realPath(path) ?? path
        var folders: [Folder] = []
        while let identity = FileIdentity(URL(fileURLWithPath: path)) {
            folders.append(Folder(identity: identity, isParent: isParent && folders.isEmpty))
            guard path != "/" else { break }
            path = folder(of: path)
        }
        return folders
    }

    /// Where a file would be written: the target of a link, whether or not it exists.
    private static func target(of file: URL) -> URL {
        var path = file.absoluteURL.path
        var links = 0
        // The system follows no more links than these.
        while links < 40, let next = try? FileManager.default.destinationOfSymbolicLink(atPath: path) {
            path = next.hasPrefix("/") ? next : folder(of: path) + "/" + next
            links += 1
        }
        return URL(fileURLWithPath: path)
    }

    /// A path without its last part.
    private static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return "/" }
        return String(path[..<slash])
    }

    /// One text for all paths of a file, which need not exist.
    private static func place(of file: URL) -> String {
        let path = target(of: file).path
        let folder = folder(of: path)
        return (realPath(folder) ?? folder) + "/" + URL(fileURLWithPath: path).lastPathComponent
    }

    private static func realPath(_ path: String) -> String? {
        guard let found = realpath(path, nil) else { return nil }
        defer { free(found) }
        return String(cString: found)
    }
}
