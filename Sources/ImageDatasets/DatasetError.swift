import Foundation
import NeuralGraph

/// What can be wrong with a data set. Every message is one line that names the file or data set, the value and the
/// remedy.
public enum DatasetError: Error, Equatable, Sendable {
    /// A file that a data set needs is not there.
    case missingFile(path: String, remedy: String)
    /// A data set's folder is not there.
    case missingDirectory(path: String, remedy: String)
    /// A folder was expected, but the path leads to something else.
    case notADirectory(path: String)
    /// The file is there but cannot be read; `reason` is the system's.
    case unreadable(path: String, reason: String)
    /// The first four bytes are not those of the format.
    case wrongMagic(path: String, found: UInt32, expected: UInt32, remedy: String)
    /// The file holds fewer bytes (unpacked) than its header or its format asks for.
    case truncated(path: String, expected: Int, found: Int)
    /// The file goes on after the bytes (unpacked) that its header or its format asks for.
    case trailingBytes(path: String, expected: Int)
    /// A gzip file that zlib cannot unpack; `reason` is zlib's.
    case corruptGzip(path: String, reason: String)
    /// Sizes that no data set has, or that the file cannot hold.
    case unreasonableSize(path: String, reason: String)
    /// A file or selection without a single image.
    case empty(name: String)
    /// An image file and its label file differ in count.
    case countMismatch(images: String, imageCount: Int, labels: String, labelCount: Int)
    /// A label outside `0..<classes`; `index` is the image's position in the file.
    case labelOutOfRange(path: String, index: Int, label: Int, classes: Int)
    /// A list of class names that has another length than the data set has classes.
    case classNameCount(path: String, found: Int, expected: Int)
    /// A class number outside `0..<classes`.
    case unknownClass(dataset: String, label: Int, classes: Int)
    /// A class that was asked for has no image.
    case classWithoutImages(dataset: String, label: Int, name: String)
    /// An image's or example's position outside `0..<count`.
    case indexOutOfRange(name: String, index: Int, count: Int)
    /// Images or examples whose shape does not fit; `remedy` says what would.
    case incompatibleShape(name: String, found: TensorShape, expected: TensorShape, remedy: String)
    /// A setting outside its range.
    case invalidSetting(name: String, value: String, remedy: String)
    /// A data set's description on the command line that cannot be understood.
    case invalidSpecification(text: String, reason: String)
}

extension DatasetError: CustomStringConvertible, LocalizedError {
    /// The message as Foundation asks for it.
    public var errorDescription: String? { description }

    /// What is wrong and how to help it, in one line.
    public var description: String {
        // Paths and names come from outside: a line break in one must not break the line.
        String(
            String.UnicodeScalarView(
                message.unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : $0 }))
    }

    private var message: String {
        switch self {
        case .missingFile, .missingDirectory, .notADirectory, .unreadable: accessMessage
        case .wrongMagic, .truncated, .trailingBytes, .corruptGzip, .unreasonableSize: formatMessage
        default: contentMessage
        }
    }

    private var accessMessage: String {
        switch self {
        case .missingFile(let path, let remedy): "\(path): no such file; \(remedy)"
        case .missingDirectory(let path, let remedy): "\(path): no such folder; \(remedy)"
        case .notADirectory(let path):
            "\(path): is not a folder; give the folder that holds the data set's files"
        case .unreadable(let path, let reason): "\(path): cannot be read (\(reason)); give a readable file"
        default: ""
        }
    }

    private var formatMessage: String {
        switch self {
        case .wrongMagic(let path, let found, let expected, let remedy):
            "\(path): begins with \(hexadecimal(found)) instead of \(hexadecimal(expected)); \(remedy)"
        case .truncated(let path, let expected, let found):
            "\(path): is cut short at \(found) of \(expected) bytes; fetch it again"
        case .trailingBytes(let path, let expected):
            "\(path): goes on after the \(expected) bytes that its header promises; fetch it again"
        case .corruptGzip(let path, let reason):
            "\(path): is damaged gzip (\(reason)); fetch it again"
        case .unreasonableSize(let path, let reason):
            "\(path): \(reason); check that this is the right file"
        default: ""
        }
    }

    private var contentMessage: String {
        switch self {
        case .empty(let name): "\(name): holds no images; give one that does"
        case .countMismatch(let images, let imageCount, let labels, let labelCount):
            "\(images): holds \(imageCount) images, but \(labels) holds \(labelCount) labels; give files that "
                + "belong together"
        case .labelOutOfRange(let path, let index, let label, let classes):
            "\(path): label \(label) of image \(index) is outside 0...\(classes - 1); check that the file belongs "
                + "to this data set"
        case .classNameCount(let path, let found, let expected):
            "\(path): names \(found) classes instead of \(expected); give one name for each class"
        case .unknownClass(let dataset, let label, let classes):
            "\(dataset): there is no class \(label); its classes are 0...\(classes - 1)"
        case .classWithoutImages(let dataset, let label, let name):
            "\(dataset): class \(label) (\(name)) has no images; exclude it, or give a data set that has some"
        case .indexOutOfRange(let name, let index, let count):
            "\(name): there is no index \(index) among \(count); give one from 0 to below \(count)"
        case .incompatibleShape(let name, let found, let expected, let remedy):
            "\(name): shape \(found) does not fit \(expected); \(remedy)"
        case .invalidSetting(let name, let value, let remedy): "\(name): \(value) is not possible; \(remedy)"
        case .invalidSpecification(let text, let reason):
            "data set '\(text)': \(reason); give \(DatasetSpecification.forms)"
        default: ""
        }
    }

    private func hexadecimal(_ value: UInt32) -> String {
        let digits = String(value, radix: 16)
        return "0x" + String(repeating: "0", count: 8 - digits.count) + digits
    }
}
