import Foundation
public import NeuralGraph

/// An error of a folder of pictures.
///
/// Every message is one line that names the folder or file, what is wrong and the remedy. Later versions may add codes.
public struct ImageFolderError: DescribedError, Hashable, Sendable {
    /// The kind of an error.
    public struct Code: Hashable, Sendable {
        private let name: String

        private init(_ name: String) { self.name = name }

        /// The folder does not exist, is no folder or cannot be listed.
        public static let unreadableFolder = Code("unreadableFolder")
        /// The folder has training pictures, but none to test on.
        public static let noTestFolder = Code("noTestFolder")
        /// The subfolders do not tell which classes or splits there are.
        public static let unclearFolders = Code("unclearFolders")
        /// The folder or a class has no pictures, or too few.
        public static let noPictures = Code("noPictures")
        /// Pictures cannot be read.
        public static let unreadablePictures = Code("unreadablePictures")
        /// A setting is out of range.
        public static let invalidSetting = Code("invalidSetting")
    }

    /// The kind of error.
    public let code: Code
    /// What is wrong and how to fix it, in one line.
    public let description: String
    /// The folder; empty for a setting.
    package let path: String

    private init(_ code: Code, path: String = "", _ message: String) {
        self.code = code
        self.path = path
        description = message.oneLine
    }
}

// Folders.
extension ImageFolderError {
    static func missingFolder(path: String) -> Self {
        Self(
            .unreadableFolder, path: path,
            "\(path): no such folder; give the folder that holds a subfolder for each class")
    }

    static func notAFolder(path: String) -> Self {
        Self(
            .unreadableFolder, path: path,
            "\(path): is not a folder; give the folder that holds a subfolder for each class")
    }

    /// - Parameter reason: the system's.
    static func unreadableFolder(path: String, reason: String) -> Self {
        Self(.unreadableFolder, path: path, "\(path): cannot be listed (\(reason)); give a readable folder")
    }

    static func noTestFolder(path: String) -> Self {
        Self(
            .noTestFolder, path: path,
            "\(path): no folder test or val beside train; add one with a subfolder for each class")
    }

    /// - Parameter names: subfolders whose names may be splits'.
    static func unclearSplits(path: String, names: [String]) -> Self {
        Self(
            .unclearFolders, path: path,
            "\(path): \(list(names)) \(names.count == 1 ? "looks like a split" : "look like splits"), but not which to learn "
                + "from and which to judge on; name one folder train and one test, or give one of them alone")
    }

    static func noClasses(path: String) -> Self {
        Self(
            .unclearFolders, path: path,
            "\(path): has no subfolders; put each class's pictures into a subfolder of its own")
    }

    static func oneClass(path: String, name: String) -> Self {
        Self(
            .unclearFolders, path: path,
            "\(path): has only the class '\(name)'; add a subfolder for each of the others")
    }

    static func unknownClasses(path: String, names: [String], known: [String]) -> Self {
        Self(
            .unclearFolders, path: path,
            "\(path): there \(names.count == 1 ? "is no class" : "are no classes") \(list(names)); the classes are: "
                + list(known))
    }

    /// - Parameter first: the path by which the folder was read already.
    static func folderReadTwice(path: String, first: String) -> Self {
        Self(
            .unclearFolders, path: path, "\(path): leads to \(first), which is read already; remove the link")
    }

    static func tooDeep(path: String, limit: Int) -> Self {
        Self(
            .unclearFolders, path: path, "\(path): lies more than \(limit) folders deep; move its pictures up")
    }

    private static func list(_ names: [String]) -> String {
        let shown = names.prefix(10).map { "'\($0)'" }.joined(separator: ", ")
        return names.count > 10 ? "\(shown) and \(names.count - 10) more" : shown
    }
}

// Pictures and settings.
extension ImageFolderError {
    /// - Parameter others: the number of the folder's other files.
    static func classWithoutPictures(path: String, others: Int) -> Self {
        Self(
            .noPictures, path: path,
            "\(path): holds no \(PictureKind.readFormats) picture\(others > 0 ? " among \(others) files" : ""); add some, or "
                + "remove the folder")
    }

    /// - Parameter first: the first of the class's pictures, all of which were skipped.
    static func classWithoutReadablePictures(path: String, first: PictureError) -> Self {
        Self(
            .noPictures, path: path,
            "\(path): none of its pictures can be read, the first, \(first.path), since it \(first.reason); replace them"
        )
    }

    static func noReadFormat(path: String, _ unread: [UnreadPictures]) -> Self {
        Self(
            .noPictures, path: path,
            "\(path): holds no \(PictureKind.readFormats) picture, but \(unread.map(\.text).joined(separator: " and ")), which "
                + "are not read, the first \(unread.first?.first.lastPathComponent ?? ""); convert them to PNG or JPEG")
    }

    static func noPictures(path: String) -> Self {
        Self(
            .noPictures, path: path,
            "\(path): holds no \(PictureKind.readFormats) picture of any class; add some")
    }

    static func tooFewPictures(path: String, count: Int) -> Self {
        Self(
            .noPictures, path: path,
            "\(path): holds \(count) \(count == 1 ? "picture" : "pictures"), too few to keep some for the test; add some, "
                + "or make folders train and test")
    }

    /// - Parameter errors: in the order of the data set.
    package static func unreadablePictures(path: String, _ errors: [PictureError]) -> Self {
        Self(.unreadablePictures, path: path, message(path, errors))
    }

    static func invalidSetting(name: String, value: String, remedy: String) -> Self {
        Self(.invalidSetting, "\(name): \(value) is not possible; \(remedy)")
    }

    private static func message(_ path: String, _ errors: [PictureError]) -> String {
        guard let first = errors.first else { return "\(path): holds pictures that cannot be read" }
        if errors.count == 1 { return first.description }
        let more = errors.count - 1
        return
            "\(first.path): \(first.reason), and \(more) more \(more == 1 ? "picture" : "pictures") in \(path) cannot be "
            + "read; replace or remove them, or skip unreadable pictures"
    }
}
