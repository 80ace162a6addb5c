import ArgumentParser
import Foundation
import ImageDatasets
import ImageFolders
import Unlearning

/// Samples to forget, from a file: positions in a data set's training split, or paths of pictures, one a line.
package struct SampleList: Sendable {
    let path: String
    /// The lines with something on them, with their numbers.
    private let lines: [(number: Int, text: String)]

    private static let largestFile = 256 << 20

    /// Reads a file. Empty lines, and those that begin with `#`, do not count.
    /// - Throws: `CommandError` that names the file.
    package init(contentsOf path: String) throws {
        let file = try InputFile(
            URL(fileURLWithPath: path), remedy: "give a file with one position or picture per line")
        guard file.size <= Self.largestFile else {
            throw CommandError("\(path): \(file.size) bytes are too many for a list of samples")
        }
        var bytes = [UInt8](repeating: 0, count: file.size)
        let count = try bytes.withUnsafeMutableBytes { try file.read(into: $0) }
        guard let text = String(validating: bytes.prefix(count), as: UTF8.self) else {
            throw CommandError("\(path): is no text in UTF-8; give a file with one position or picture per line")
        }
        self.path = path
        lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated()
            .map { ($0.offset + 1, $0.element.trimmingCharacters(in: .whitespaces)) }
            .filter { !$0.1.isEmpty && !$0.1.hasPrefix("#") }
        guard !lines.isEmpty else {
            throw CommandError("\(path): names no sample; write one position or picture per line")
        }
    }

    /// The samples' positions in a data set, in rising order.
    /// - Parameter folder: the folder that pictures' paths may be given below.
    /// - Throws: `SampleListError` that names the line.
    func positions(in images: any ImageDataset, folder: URL?) throws -> [Int] {
        let relabeled = images as? RelabeledImages
        let places = relabeled.map { Dictionary(uniqueKeysWithValues: $0.positions.enumerated().map { ($1, $0) }) }
        let files = (relabeled?.wholeDataset ?? images) as? ImageFolder
        let namesPictures = lines.contains { Int($0.text) == nil }
        let pictures = namesPictures ? files.map(Self.places) ?? [:] : [:]
        let count = relabeled?.wholeDataset.count ?? images.count
        var found: [Int: Int] = [:]
        for (number, text) in lines {
            func refuse(_ reason: String) -> SampleListError {
                SampleListError(description: "\(path), line \(number): \(reason)")
            }
            let index: Int
            if let position = Int(text) {
                guard (0..<count).contains(position) else {
                    throw refuse("\(images.name) has no image \(text); its images are 0 to \(count - 1)")
                }
                index = position
            } else if files == nil {
                throw refuse("'\(text)' is no position; only pictures of a folder are given by their paths")
            } else {
                let candidates = [URL(fileURLWithPath: text), folder.map { $0.appendingPathComponent(text) }]
                    .compactMap(\.self)
                guard let position = candidates.lazy.compactMap({ pictures[Self.place(of: $0)] }).first else {
                    throw refuse("'\(text)' is no picture of \(images.name); give its path, or its position")
                }
                index = position
            }
            guard let place = places.map({ $0[index] }) ?? index else {
                throw refuse("image \(index) is of a class that the model has no output for")
            }
            if let first = found.updateValue(number, forKey: place) {
                throw refuse("names the same image as line \(first); name each once")
            }
        }
        return found.keys.sorted()
    }

    private static func places(_ folder: ImageFolder) -> [String: Int] {
        Dictionary(
            (0..<folder.count).map { (place(of: folder.file(at: $0)), $0) }, uniquingKeysWith: { first, _ in first })
    }

    private static func place(of file: URL) -> String {
        file.standardizedFileURL.resolvingSymlinksInPath().path
    }
}

/// A list of samples that does not fit the images.
package struct SampleListError: DescribedError {
    package let description: String
}

/// The samples that are forgotten in place of classes.
struct SamplesFlag: ParsableArguments {
    @Option(
        name: .customLong("samples"),
        help: ArgumentHelp(
            "A file that names single training images to forget instead of classes, one a line: positions in the training "
                + "split from 0, or paths of a folder's pictures.", valueName: "file"),
        completion: .file())
    var file: String?

    /// Reads the file, if there is one.
    func list() throws -> SampleList? { try file.map { try SampleList(contentsOf: $0) } }

    /// The files that the option names.
    var files: [String] { [file].compactMap(\.self) }
}
