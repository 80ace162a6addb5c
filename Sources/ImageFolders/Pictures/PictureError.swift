import Foundation

/// A picture's file that cannot be read. Every message is one line that names the file, what is wrong and the remedy.
public enum PictureError: Error, Equatable, Sendable {
    /// The system does not let the file be read; `reason` is the system's.
    case unreadable(path: String, reason: String)
    /// The file has no bytes.
    case empty(path: String)
    /// The file begins as none of the formats that are read.
    case notAPicture(path: String)
    /// The file ends before its picture does.
    case truncated(path: String)
    /// The file is damaged, or of a kind that cannot be decoded; `reason` is the decoder's.
    case damaged(path: String, reason: String)
    /// The file or its picture is beyond ``PictureLimits``.
    case tooLarge(path: String, reason: String)
    /// The system has no memory to decode the picture.
    case outOfMemory(path: String)

    /// The file.
    public var path: String {
        switch self {
        case .unreadable(let path, _), .empty(let path), .notAPicture(let path), .truncated(let path),
            .damaged(let path, _), .tooLarge(let path, _), .outOfMemory(let path):
            path
        }
    }

    /// What is wrong, without the file's name and the remedy.
    public var reason: String {
        let text =
            switch self {
            case .unreadable(_, let reason): "cannot be read (\(reason))"
            case .empty: "is empty"
            case .notAPicture: "is no \(PictureKind.readFormats) picture"
            case .truncated: "is cut short"
            case .damaged(_, let reason): "is damaged (\(reason))"
            case .tooLarge(_, let reason): "is too large: \(reason)"
            case .outOfMemory: "takes more memory than there is"
            }
        return text.oneLine
    }
}

extension PictureError: CustomStringConvertible, LocalizedError {
    /// The message as Foundation asks for it.
    public var errorDescription: String? { description }

    /// What is wrong and how to help it, in one line.
    public var description: String {
        let remedy =
            switch self {
            case .unreadable: "give a readable file"
            case .empty, .truncated, .damaged: "replace or remove it, or skip unreadable pictures"
            case .notAPicture: "convert it to one of them, or remove it"
            case .tooLarge: "make it smaller or remove it"
            case .outOfMemory: "make it smaller"
            }
        return "\(path.oneLine): \(reason); \(remedy)"
    }
}

extension String {
    /// The text with a question mark for every control character: names come from outside, and a line break in one
    /// must not break the line.
    var oneLine: String {
        String(
            String.UnicodeScalarView(
                unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : $0 }))
    }
}
