import Foundation

/// What can be wrong with a folder of pictures. Every message is one line that names the folder or file, what is wrong and
/// the remedy.
public enum ImageFolderError: Error, Equatable, Sendable {
    /// There is no such folder.
    case missingFolder(path: String)
    /// The path leads to something else than a folder.
    case notAFolder(path: String)
    /// The folder cannot be listed; `reason` is the system's.
    case unreadableFolder(path: String, reason: String)
    /// The data set has a folder `train`, but neither `test` nor `val` beside it.
    case noTestFolder(path: String)
    /// Subfolders whose names may be splits', but leave open which of them is which.
    case unclearSplits(path: String, names: [String])
    /// The folder has no subfolders, which stand for classes.
    case noClasses(path: String)
    /// The folder has one subfolder: nothing tells one class from another.
    case oneClass(path: String, name: String)
    /// A class's folder has no picture; `others` counts its other files.
    case classWithoutPictures(path: String, others: Int)
    /// All pictures of a class were skipped.
    case classWithoutReadablePictures(path: String, first: PictureError)
    /// A folder has pictures, all of them of formats that are not read.
    case noReadFormat(path: String, [UnreadPictures])
    /// None of the classes has a picture.
    case noPictures(path: String)
    /// A class of so few pictures cannot be split into one part to learn from and one to judge on.
    case tooFewPictures(path: String, count: Int)
    /// Subfolders that are none of the known classes.
    case unknownClasses(path: String, names: [String], known: [String])
    /// A link leads to a folder that is read already, as in a loop.
    case folderReadTwice(path: String, first: String)
    /// Folders in folders beyond every sensible depth.
    case tooDeep(path: String, limit: Int)
    /// Pictures that cannot be read, in the order of the data set.
    case unreadablePictures(path: String, [PictureError])
    /// A setting outside its range.
    case invalidSetting(name: String, value: String, remedy: String)
}

extension ImageFolderError: CustomStringConvertible, LocalizedError {
    /// The message as Foundation asks for it.
    public var errorDescription: String? { description }

    /// What is wrong and how to help it, in one line.
    public var description: String { (folderMessage ?? classMessage ?? "").oneLine }

    private var folderMessage: String? {
        switch self {
        case .missingFolder(let path): "\(path): no such folder; give the folder that holds a subfolder for each class"
        case .notAFolder(let path): "\(path): is not a folder; give the folder that holds a subfolder for each class"
        case .unreadableFolder(let path, let reason): "\(path): cannot be listed (\(reason)); give a readable folder"
        case .noTestFolder(let path):
            "\(path): no folder test or val beside train; add one with a subfolder for each class"
        case .unclearSplits(let path, let names):
            "\(path): \(Self.list(names)) \(names.count == 1 ? "looks like a split" : "look like splits"), but not which to learn "
                + "from and which to judge on; name one folder train and one test, or give one of them alone"
        case .folderReadTwice(let path, let first):
            "\(path): leads to \(first), which is read already; remove the link"
        case .tooDeep(let path, let limit): "\(path): lies more than \(limit) folders deep; move its pictures up"
        case .unreadablePictures(let path, let errors): Self.message(path, errors)
        case .invalidSetting(let name, let value, let remedy): "\(name): \(value) is not possible; \(remedy)"
        default: nil
        }
    }

    private var classMessage: String? {
        switch self {
        case .noClasses(let path): "\(path): has no subfolders; put each class's pictures into a subfolder of its own"
        case .oneClass(let path, let name):
            "\(path): has only the class '\(name)'; add a subfolder for each of the others"
        case .classWithoutPictures(let path, let others):
            "\(path): holds no \(PictureKind.readFormats) picture\(others > 0 ? " among \(others) files" : ""); add some, or "
                + "remove the folder"
        case .noReadFormat(let path, let unread):
            "\(path): holds no \(PictureKind.readFormats) picture, but \(unread.map(\.text).joined(separator: " and ")), which are "
                + "not read, the first \(unread.first?.first.lastPathComponent ?? ""); convert them to PNG or JPEG"
        case .classWithoutReadablePictures(let path, let first):
            "\(path): none of its pictures can be read, the first, \(first.path), since it \(first.reason); replace them"
        case .noPictures(let path): "\(path): holds no \(PictureKind.readFormats) picture of any class; add some"
        case .tooFewPictures(let path, let count):
            "\(path): holds \(count) \(count == 1 ? "picture" : "pictures"), too few to keep some for the test; add some, "
                + "or make folders train and test"
        case .unknownClasses(let path, let names, let known):
            "\(path): there \(names.count == 1 ? "is no class" : "are no classes") \(Self.list(names)); the classes are: "
                + Self.list(known)
        default: nil
        }
    }

    private static func message(_ path: String, _ errors: [PictureError]) -> String {
        guard let first = errors.first else { return "\(path): holds pictures that cannot be read" }
        if errors.count == 1 { return first.description }
        let more = errors.count - 1
        return
            "\(first.path): \(first.reason), and \(more) more \(more == 1 ? "picture" : "pictures") in \(path) cannot be "
            + "read; replace or remove them, or skip unreadable pictures"
    }

    private static func list(_ names: [String]) -> String {
        let shown = names.prefix(10).map { "'\($0)'" }.joined(separator: ", ")
        return names.count > 10 ? "\(shown) and \(names.count - 10) more" : shown
    }
}
