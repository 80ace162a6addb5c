import Foundation
public import NeuralGraph

/// An error of a data set, its files or examples.
///
/// The message is one line that names the file or data set, its value and the remedy. Later versions may add codes.
public struct DatasetError: DescribedError, Hashable, Sendable {
    /// The kind of an error.
    public struct Code: Hashable, Sendable {
        private let name: String

        private init(_ name: String) { self.name = name }

        /// A file does not exist.
        public static let missingFile = Code("missingFile")
        /// A folder does not exist, or the path leads to something else.
        public static let missingFolder = Code("missingFolder")
        /// A file or folder exists but cannot be read.
        public static let unreadable = Code("unreadable")
        /// A file holds fewer bytes than its header or format promises.
        public static let truncated = Code("truncated")
        /// A file is of another format or damaged.
        public static let invalidFile = Code("invalidFile")
        /// A size is larger than a data set, a file or the machine's memory can hold.
        public static let unreasonableSize = Code("unreasonableSize")
        /// Labels, class names and images do not fit together.
        public static let inconsistentLabels = Code("inconsistentLabels")
        /// A data set, a class or a selection has no images.
        public static let noImages = Code("noImages")
        /// A data set has no class of this number.
        public static let unknownClass = Code("unknownClass")
        /// A position is outside the data set.
        public static let indexOutOfRange = Code("indexOutOfRange")
        /// Images or examples have a shape that does not fit.
        public static let incompatibleShape = Code("incompatibleShape")
        /// A setting is out of range.
        public static let invalidSetting = Code("invalidSetting")
    }

    /// The kind of error.
    public let code: Code
    /// What is wrong and how to fix it, in one line.
    public let description: String
    /// The file, if the error is a file's.
    package private(set) var path: String?
    /// What is wrong, without the path and the remedy, where others word the rest.
    package private(set) var reason: String?

    /// Creates an error, for a data set of your own.
    /// - Parameters:
    ///   - code: the kind of error.
    ///   - message: names the thing, its value and the remedy; control characters become question marks.
    public init(_ code: Code, _ message: String) {
        self.code = code
        // Paths and names come from outside: a line break in one must not break the line.
        description = String(
            String.UnicodeScalarView(
                message.unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : $0 }))
    }

    private init(_ code: Code, path: String, reason: String, remedy: String) {
        self.init(code, "\(path): \(reason); \(remedy)")
        self.path = path
        self.reason = reason
    }
}

// Files.
extension DatasetError {
    package static func missingFile(path: String, remedy: String) -> Self {
        Self(.missingFile, path: path, reason: "no such file", remedy: remedy)
    }

    package static func missingDirectory(path: String, remedy: String) -> Self {
        Self(.missingFolder, path: path, reason: "no such folder", remedy: remedy)
    }

    package static func notADirectory(path: String) -> Self {
        Self(
            .missingFolder, path: path, reason: "is not a folder",
            remedy: "give the folder that holds the data set's files")
    }

    /// - Parameter reason: the system's.
    package static func unreadable(path: String, reason: String) -> Self {
        var error = Self(
            .unreadable, path: path, reason: "cannot be read (\(reason))", remedy: "give a readable file")
        error.reason = reason
        return error
    }

    package static func wrongMagic(path: String, found: UInt32, expected: UInt32, remedy: String) -> Self {
        Self(
            .invalidFile, path: path, reason: "begins with \(hexadecimal(found)) instead of \(hexadecimal(expected))",
            remedy: remedy)
    }

    /// - Parameters:
    ///   - expected: bytes, unpacked, that the header or the format asks for.
    ///   - found: bytes, unpacked, that the file has.
    package static func truncated(path: String, expected: Int, found: Int) -> Self {
        Self(
            .truncated, path: path, reason: "is cut short at \(found) of \(expected) bytes", remedy: "fetch it again")
    }

    package static func trailingBytes(path: String, expected: Int) -> Self {
        Self(
            .invalidFile, path: path, reason: "goes on after the \(expected) bytes that its header promises",
            remedy: "fetch it again")
    }

    /// - Parameter reason: zlib's.
    package static func corruptGzip(path: String, reason: String) -> Self {
        Self(.invalidFile, path: path, reason: "is damaged gzip (\(reason))", remedy: "fetch it again")
    }

    package static func unreasonableSize(path: String, reason: String) -> Self {
        Self(.unreasonableSize, path: path, reason: reason, remedy: "check that this is the right file")
    }

    private static func hexadecimal(_ value: UInt32) -> String {
        let digits = String(value, radix: 16)
        return "0x" + String(repeating: "0", count: 8 - digits.count) + digits
    }
}

// Contents and settings.
extension DatasetError {
    package static func empty(name: String) -> Self {
        Self(.noImages, "\(name): holds no images; give one that does")
    }

    package static func countMismatch(images: String, imageCount: Int, labels: String, labelCount: Int) -> Self {
        Self(
            .inconsistentLabels,
            "\(images): holds \(imageCount) images, but \(labels) holds \(labelCount) labels; give files that "
                + "belong together")
    }

    /// - Parameter index: the image's position in the file.
    package static func labelOutOfRange(path: String, index: Int, label: Int, classes: Int) -> Self {
        Self(
            .inconsistentLabels,
            "\(path): label \(label) of image \(index) is outside 0...\(classes - 1); check that the file belongs "
                + "to this data set")
    }

    package static func classNameCount(path: String, found: Int, expected: Int) -> Self {
        Self(
            .inconsistentLabels,
            "\(path): names \(found) classes instead of \(expected); give one name for each class")
    }

    package static func unknownClass(dataset: String, label: Int, classes: Int) -> Self {
        Self(.unknownClass, "\(dataset): there is no class \(label); its classes are 0...\(classes - 1)")
    }

    package static func classWithoutImages(dataset: String, label: Int, name: String) -> Self {
        Self(
            .noImages,
            "\(dataset): class \(label) (\(name)) has no images; exclude it, or give a data set that has some")
    }

    package static func indexOutOfRange(name: String, index: Int, count: Int) -> Self {
        Self(
            .indexOutOfRange,
            "\(name): there is no index \(index) among \(count); give one from 0 to below \(count)")
    }

    package static func incompatibleShape(
        name: String, found: TensorShape, expected: TensorShape, remedy: String
    ) -> Self {
        Self(.incompatibleShape, "\(name): shape \(found) does not fit \(expected); \(remedy)")
    }

    package static func invalidSetting(name: String, value: String, remedy: String) -> Self {
        Self(.invalidSetting, "\(name): \(value) is not possible; \(remedy)")
    }

    package static func invalidSpecification(text: String, reason: String) -> Self {
        var error = Self(.invalidSetting, "data set '\(text)': \(reason); give \(DatasetSpecification.forms)")
        error.reason = reason
        return error
    }
}
