import Foundation
import ImageFolders
import NeuralGraph
import TestSupport

/// The pictures of Tests/Fixtures/Pictures, and what Pillow and torchvision make of them.
enum PictureFixtures {
    static let malformed: Set<String> = [
        "bomb.png", "bomb.jpg", "bomb.webp", "bomb.gif", "bomb.bmp", "damaged.png", "animated.webp",
    ]

    /// The files that hold a picture.
    static let names: [String] = {
        let all = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return all.filter { !malformed.contains($0) }.sorted()
    }()

    static let folder = Fixture.folder.appending(path: "Pictures/files")

    static func path(_ name: String) -> String { folder.appending(path: name).path }

    static func bytes(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: folder.appending(path: name)))
    }

    /// A tensor of Pillow's or torchvision's pixels, `[height, width, channels]`.
    static func expected(_ name: String) throws -> Tensor {
        try Fixture("Pictures/expected.safetensors").tensor(name)
    }

    /// The file as the data set gives it.
    static func pixels(
        _ name: String, shape: TensorShape, resizing: ImageResizing
    ) throws -> [UInt8] {
        let reader = PictureReader(fitting: PictureFitting(shape: shape, resizing: resizing), limits: PictureLimits())
        return try read(path(name), by: reader)
    }

    static func read(_ path: String, by reader: PictureReader) throws -> [UInt8] {
        var pixels = [UInt8](repeating: 0, count: reader.fitting.shape.count)
        var room = pixels.mutableSpan
        try reader.read(path, into: &room)
        return pixels
    }

    /// The largest difference of two pictures.
    static func difference(_ pixels: [UInt8], _ expected: Tensor) -> Float {
        guard pixels.count == expected.count else { return .infinity }
        return zip(pixels, expected.elements).map { abs(Float($0) - $1) }.max() ?? .infinity
    }
}

extension TemporaryFolder {
    var path: String { url.path }

    /// Writes a file, and the folders above it.
    @discardableResult
    func add(_ name: String, _ bytes: [UInt8]) throws -> String {
        let file = url.appendingPathComponent(name)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: file)
        return file.path
    }

    /// Writes a fixture's picture.
    func add(_ name: String, copyOf fixture: String) throws {
        try add(name, PictureFixtures.bytes(fixture))
    }

    func addFolder(_ name: String) throws {
        try FileManager.default.createDirectory(
            at: url.appendingPathComponent(name), withIntermediateDirectories: true)
    }

    func link(_ name: String, to destination: String) throws {
        try FileManager.default.createSymbolicLink(
            atPath: url.appendingPathComponent(name).path, withDestinationPath: destination)
    }
}
