import Foundation
import ImageFolders
import Unlearning

/// A data set as the command line names it: one that the library knows by name, or a folder of pictures.
enum DatasetArgument: Sendable {
    case known(DatasetSpecification)
    case folder(URL)

    /// What `--help` says of its forms.
    static let helpForms = "fashion-mnist[:DIR], cifar10:DIR, cifar100:DIR, idx:IMAGES,LABELS or folder:DIR"

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
        do {
            return try DatasetSpecification(parsing: text)
        } catch {
            throw CommandError("data set '\(text)': \(error.reason ?? error.description); give \(helpForms)")
        }
    }

    /// The files that are there of those that it reads; none for a folder of pictures.
    var files: [URL] {
        guard case .known(let specification) = self else { return [] }
        return specification.files
    }

    /// The folder that pictures of any size come from.
    var folder: URL? {
        if case .folder(let folder) = self { folder } else { nil }
    }

    /// Whether its files do not say in which order its classes are, or what they are called.
    var namesNoClasses: Bool {
        switch self {
        case .folder, .known(.idx): true
        case .known: false
        }
    }

    /// Whether pictures of any size come from a folder.
    var isFolder: Bool { folder != nil }
}
