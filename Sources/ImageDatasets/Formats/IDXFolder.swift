package import Foundation

/// The four IDX files of MNIST and its relatives in a folder, under any of their usual names.
///
/// Examples: `train-images-idx3-ubyte`, `train-images.idx3-ubyte`, `Train_Images_IDX3_ubyte.gz`.
package struct IDXFolder {
    /// The folder that was given.
    let directory: URL

    private let subfolders: [[String]]
    /// The folder that the files are in; the one given if none has any.
    private let folder: URL
    /// The names of the files there, by the standard name of each.
    private let names: [String: [String]]

    /// Looks for the files; nothing is read yet.
    /// - Parameter subfolders: where else they may be, each folder by the names from the one given down.
    package init(_ directory: URL, subfolders: [[String]]) {
        self.directory = directory
        self.subfolders = subfolders
        let found = ([[]] + subfolders).lazy.compactMap { path -> (URL, [String: [String]])? in
            guard let folder = Self.folder(path, in: directory) else { return nil }
            let names = Self.names(in: folder)
            return names.isEmpty ? nil : (folder, names)
        }.first
        (folder, names) = found ?? (directory, [:])
    }

    /// The images of a split.
    /// - Throws: ``DatasetError``, which says what was looked for and what is there.
    package func images(of split: DatasetSplit, remedy: String) throws(DatasetError) -> URL {
        try file(Self.standardName(of: split, "images-idx3-ubyte"), remedy: remedy)
    }

    /// The labels of a split.
    /// - Throws: ``DatasetError``, which says what was looked for and what is there.
    func labels(of split: DatasetSplit, remedy: String) throws(DatasetError) -> URL {
        try file(Self.standardName(of: split, "labels-idx1-ubyte"), remedy: remedy)
    }

    /// All files that are there.
    var files: [URL] { names.values.flatMap(\.self).sorted().map { folder.appendingPathComponent($0) } }

    private static func standardName(of split: DatasetSplit, _ rest: String) -> String {
        (split == .train ? "train-" : "t10k-") + rest
    }

    private static let standardNames = Set(
        DatasetSplit.allCases.flatMap { split in
            ["images-idx3-ubyte", "labels-idx1-ubyte"].map { standardName(of: split, $0) }
        })

    private func file(_ name: String, remedy: String) throws(DatasetError) -> URL {
        if let found = names[name]?.first { return folder.appendingPathComponent(found) }
        let places = subfolders.map { $0.joined(separator: "/") }
        let entries = ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []).sorted()
        let shown = entries.prefix(8).joined(separator: ", ") + (entries.count > 8 ? ", ..." : "")
        let inside = entries.isEmpty ? "which is empty" : "which holds \(shown)"
        throw .missingFile(
            path: folder.appendingPathComponent(name).path,
            remedy:
                "looked for it with a hyphen, a dot or an underscore, with and without .gz, in \(folder.path), \(inside)"
                + (folder == directory ? ", and in its \(places.joined(separator: " and "))" : "")
                + "; \(remedy)")
    }

    /// A folder below another one, by names whose case does not matter.
    private static func folder(_ path: [String], in directory: URL) -> URL? {
        var folder = directory
        for name in path {
            let entries = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
            let fitting = entries.filter { $0.lowercased() == name.lowercased() }.sorted()
            guard let found = fitting.first(where: { $0 == name }) ?? fitting.first else { return nil }
            folder.appendPathComponent(found, isDirectory: true)
        }
        return folder
    }

    /// The files that have one of the four names: first as it stands, then unpacked ones, then packed ones.
    private static func names(in folder: URL) -> [String: [String]] {
        var names: [String: [String]] = [:]
        for name in (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? [] {
            let standard = standardized(name)
            guard standardNames.contains(standard), isFile(folder.appendingPathComponent(name)) else { continue }
            names[standard, default: []].append(name)
        }
        func rank(_ name: String) -> (Int, String) {
            (standardNames.contains(name) ? 0 : name.lowercased().hasSuffix(".gz") ? 2 : 1, name)
        }
        return names.mapValues { $0.sorted { rank($0) < rank($1) } }
    }

    private static func standardized(_ name: String) -> String {
        var name = name.lowercased()
        if name.hasSuffix(".gz") { name.removeLast(3) }
        name = String(name.map { $0 == "." || $0 == "_" || $0 == " " ? "-" : $0 })
        return name.hasPrefix("test-") ? "t10k-" + name.dropFirst(5) : name
    }

    private static func isFile(_ url: URL) -> Bool {
        var isFolder: ObjCBool = false
        return unsafe FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) && !isFolder.boolValue
    }
}
