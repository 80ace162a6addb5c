import ArgumentParser
package import Foundation
import ImageFolders
import NeuralGraph
package import Unlearning

/// A data set in the command line's form: one that the library knows by name, or a folder of pictures.
package enum DatasetArgument: Sendable {
    case known(DatasetSpecification)
    case folder(URL)

    /// All kinds of data sets that a command takes.
    static let kinds =
        DatasetSpecification.kinds + [
            DatasetSpecification.Kind(
                name: "folder", form: "folder:DIR",
                summary: "your own pictures: a subfolder of PNG, JPEG, WebP, GIF or BMP files for each class")
        ]

    /// The kinds' forms, for help and messages.
    static let helpForms = kinds.dropLast().map { $0.form }.joined(separator: ", ") + " or folder:DIR"

    /// The forms for the shell to complete; paths follow the colon.
    static let completion = CompletionKind.custom { _, _, prefix in completions(of: prefix) }

    private static let folderPrefix = "folder:"

    init(parsing text: String) throws {
        self =
            if text.hasPrefix(Self.folderPrefix) {
                .folder(try Self.folder(text))
            } else {
                .known(try Self.specification(text))
            }
    }

    private static func folder(_ text: String) throws -> URL {
        let path = String(text.dropFirst(folderPrefix.count))
        guard !path.isEmpty else {
            throw CommandError("data set '\(text)': the folder is missing; give folder:DIR")
        }
        // The shell leaves a tilde after a colon as it is.
        return URL(fileURLWithPath: (path as NSString).expandingTildeInPath, isDirectory: true)
    }

    private static func specification(_ text: String) throws -> DatasetSpecification {
        let name = String(text.prefix { $0 != ":" })
        let names = kinds.map { $0.name }
        // The library knows no folders of pictures.
        guard names.contains(name) else {
            throw CommandError(
                "data set '\(text)': there is no data set '\(name)'\(NearestName.hint(for: name, in: names)); give "
                    + helpForms)
        }
        do {
            return try DatasetSpecification(parsing: text)
        } catch {
            throw CommandError("data set '\(text)': \(error.reason ?? error.description); give \(helpForms)")
        }
    }

    /// The kinds that a text begins, or the folders and files below the path in it.
    static func completions(of text: String) -> [String] {
        guard let colon = text.firstIndex(of: ":") else {
            return kinds.map { $0.form.contains("[") || !$0.form.contains(":") ? $0.name : $0.name + ":" }
                .filter { $0.hasPrefix(text) }
        }
        let path = text[text.index(after: colon)...]
        // Of two IDX files the second may be the one that is typed.
        let head = text[...colon] + (path.lastIndex(of: ",").map { path[...$0] } ?? "")
        let typed = String(text.dropFirst(head.count))
        let folder = typed.lastIndex(of: "/").map { String(typed[...$0]) } ?? ""
        let place = (folder.isEmpty ? "." : (folder as NSString).expandingTildeInPath)
        let names = (try? FileManager.default.contentsOfDirectory(atPath: place)) ?? []
        return names.sorted().compactMap { name in
            let candidate = folder + name
            guard candidate.hasPrefix(typed), !name.hasPrefix(".") || typed.hasSuffix("/.") else { return nil }
            var isFolder: ObjCBool = false
            _ = FileManager.default.fileExists(atPath: place + "/" + name, isDirectory: &isFolder)
            guard isFolder.boolValue || text.hasPrefix("idx:") else { return nil }
            return head + candidate + (isFolder.boolValue ? "/" : "")
        }
    }

    /// The data set in the command line's form.
    var text: String {
        switch self {
        case .known(let specification): specification.description
        case .folder(let folder): Self.folderPrefix + folder.path
        }
    }

    /// The existing files that it reads; none for a folder of pictures.
    var files: [URL] {
        guard case .known(let specification) = self else { return [] }
        return specification.files
    }

    /// The folder that pictures of any size come from.
    var folder: URL? {
        if case .folder(let folder) = self { folder } else { nil }
    }

    /// Whether its files have no class names, or leave the classes' order open.
    var namesNoClasses: Bool {
        switch self {
        case .folder, .known(.idx): true
        case .known: false
        }
    }

    /// Whether pictures of any size come from a folder.
    var isFolder: Bool { folder != nil }

    /// Whether its files are not divided into a training and a test split.
    var hasOneSplit: Bool {
        if case .known(.idx) = self { true } else { false }
    }

    /// Refuses a split where there is only one.
    func check(_ split: DatasetSplit?) throws {
        try refuse(
            [("--split", split != nil)], unless: !hasOneSplit,
            "has no effect on IDX files, which are one split; leave it out.")
    }
}
