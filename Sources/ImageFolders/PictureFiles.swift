import Foundation
public import ImageDatasets
public import NeuralGraph

/// Single picture files that nobody has put into classes, to be classified. All have the label 0, which means nothing.
public struct PictureFiles: ImageDataset {
    /// The files, in the order in which they were given.
    public let files: [URL]
    /// The model's classes.
    public let classNames: [String]
    /// Every picture's shape: `[height, width, channels]`.
    public let imageShape: TensorShape
    /// The normalization.
    public let normalization: Normalization

    private let reader: PictureReader

    /// Checks the files' headers.
    /// - Parameters:
    ///   - classNames: the classes of the model that is to classify them.
    ///   - configuration: shape, resizing, normalization and limits; the rest is about folders.
    /// - Throws: ``ImageFolderError/unreadablePictures(path:_:)`` or ``ImageFolderError/invalidSetting(name:value:remedy:)``.
    public init(
        _ files: [URL], classNames: [String], configuration: ImageFolder.Configuration
    ) throws(ImageFolderError) {
        try configuration.validate()
        let reader = PictureReader(fitting: PictureFitting(configuration), limits: configuration.limits)
        let errors = PictureReader.failures(of: files.map(\.path)) { _, path throws(PictureError) in
            try DecodedPicture.check(path, limits: reader.limits)
        }
        guard errors.isEmpty else { throw .unreadablePictures(path: "the files", errors.map(\.error)) }
        self.files = files
        self.classNames = classNames
        self.reader = reader
        imageShape = configuration.imageShape
        normalization = configuration.normalization ?? ImageFolder.normalization(channels: imageShape.channels)
    }

    /// What messages call the files.
    public var name: String { "picture files" }

    /// The number of files.
    public var count: Int { files.count }

    /// How pictures of other sizes get ``imageShape``.
    public var resizing: ImageResizing? { reader.fitting.resizing }

    /// true: pictures are decoded when they are asked for.
    public var isDecodedOnRead: Bool { true }

    /// 0, whatever the picture shows.
    public func label(at index: Int) -> Int { 0 }

    /// Reads one picture: the file is decoded, turned upright, resized and cut.
    /// - Throws: ``PictureError``.
    public func readPixels(at index: Int, into pixels: UnsafeMutableBufferPointer<UInt8>) throws {
        precondition(
            pixels.count >= imageShape.count,
            "a picture has \(imageShape.count) bytes, but there is room for \(pixels.count)")
        guard let target = pixels.baseAddress else { return }
        try reader.read(files[index].path, into: target)
    }
}
