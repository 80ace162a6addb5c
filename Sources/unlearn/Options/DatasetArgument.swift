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
        } catch .invalidSpecification(let text, let reason) {
            throw CommandError("data set '\(text)': \(reason); give \(helpForms)")
        }
    }

    /// The files that are named one by one; none for a folder.
    var files: [URL] {
        guard case .known(let specification) = self else { return [] }
        return specification.files
    }

    /// Whether pictures of any size come from a folder.
    var isFolder: Bool {
        if case .folder = self { true } else { false }
    }
}
