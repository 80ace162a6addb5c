public import Foundation
public import ImageDatasets
public import NeuralGraph

/// A folder with a subfolder of pictures for each class: PNG, JPEG, WebP, GIF and BMP files, at any depth, of any size.
///
/// Classes are the subfolders' names in the order of their bytes, and pictures are in the order of their paths, as in
/// torchvision's `ImageFolder`. A file's kind is told by its content. Gray pictures become color, alpha is dropped, of 16
/// bits the upper eight are kept, and EXIF's orientation turns pictures upright. Hidden files and folders are left out.
///
/// Pictures are read when they are asked for; prepared ones are kept as far as ``Configuration/cachedBytes`` allows. Files
/// must not change meanwhile.
///
/// ```swift
/// let photos = try ImageFolder(URL(fileURLWithPath: "photos"), split: .train)
/// let retain = try photos.samples(perClass: 200, excluding: [3])
/// ```
public struct ImageFolder: ImageDataset {
    /// How pictures are read.
    public struct Configuration: Sendable {
        /// The shape that all pictures get: `[height, width, channels]`, with 3 channels, or 1 for gray.
        public var imageShape: TensorShape
        /// How they get it; nil makes the shorter side the larger of height and width, and cuts out the middle.
        public var resizing: ImageResizing?
        /// What the data set is normalized with; nil takes ``ImageFolder/imageNetNormalization``, or its average for gray.
        public var normalization: Normalization?
        /// What happens to pictures that cannot be read.
        public var unreadable: UnreadablePictures = .refuse
        /// Limits of a picture's size.
        package var limits = PictureLimits()
        /// The threads that look for pictures that cannot be read; nil for one on each processor.
        package var workers: Int?
        /// The most bytes of prepared pictures that are kept in memory.
        public var cachedBytes = 256 << 20
        /// The share of each class that is kept for the test where the folder has no `train` and `test`, above 0 and below 1.
        public var testShare = 0.2
        /// What chance puts into the test follows from this seed.
        public var splitSeed: UInt64 = 0

        /// Creates a configuration; 224x224 pixels in color by default.
        public init(imageShape: TensorShape = [224, 224, 3], resizing: ImageResizing? = nil) {
            self.imageShape = imageShape
            self.resizing = resizing
        }
    }

    /// What becomes of pictures that cannot be read.
    public enum UnreadablePictures: String, Sendable, CaseIterable {
        /// They are errors: a damaged header at once, anything else when the picture is read.
        case refuse
        /// They are left out and listed in ``ImageFolder/skipped``; every picture is decoded once to find them.
        case skip
    }

    /// Means and standard deviations of ImageNet's pictures, red, green and blue, which most published networks use.
    public static let imageNetNormalization = Normalization(
        mean: [0.485, 0.456, 0.406], standardDeviation: [0.229, 0.224, 0.225])

    /// What messages and records call the data set, such as `photos (train)`.
    public let name: String
    /// The classes' names.
    public let classNames: [String]
    /// Every picture's shape: `[height, width, channels]`.
    public let imageShape: TensorShape
    /// The normalization.
    public let normalization: Normalization
    /// Pictures that cannot be read and were left out, in the order of the data set.
    public let skipped: [PictureError]

    /// Pictures of formats that are not read, which are left out: one entry for each format.
    package let unread: [UnreadPictures]

    private let pictures: [FolderScan.PictureFile]
    /// The positions among `pictures` of those that are not skipped.
    private let positions: [Int]
    private let reader: PictureReader
    private let cache: PictureCache

    /// Lists a folder's pictures.
    /// - Parameters:
    ///   - directory: holds a subfolder for each class; or `train` and one of `test`, `val`, `valid` and `validation`,
    ///     each with a subfolder for each class. Without these, a part of each class is kept for the test.
    ///   - classNames: the classes in the order of their labels, as a model has them: a subfolder that is none of them is
    ///     an error, and a class without a subfolder has no pictures. nil takes the subfolders' names; the test's
    ///     classes are then those of the training.
    /// - Throws: ``ImageFolderError``.
    public init(
        _ directory: URL, split: DatasetSplit = .train, classNames: [String]? = nil,
        configuration: Configuration = Configuration()
    ) throws(ImageFolderError) {
        try configuration.validate()
        let (path, scan) = try FolderSplit.scan(
            directory.path, split: split, classNames: classNames, share: configuration.testShare,
            seed: configuration.splitSeed)
        // Without the folders above it: parent folders stay private in a record.
        name = "\(directory.standardizedFileURL.lastPathComponent) (\(split.rawValue))"
        self.classNames = scan.classNames
        imageShape = configuration.imageShape
        normalization =
            if let given = configuration.normalization { given } else {
                Self.normalization(channels: imageShape.channels)
            }
        reader = PictureReader(fitting: PictureFitting(configuration), limits: configuration.limits)
        cache = PictureCache(bytes: configuration.cachedBytes, pictureSize: imageShape.count)
        let threads = ThreadTeam(workers: configuration.workers ?? ThreadTeam.processorCount)
        (positions, skipped) =
            switch configuration.unreadable {
            case .refuse: (try Self.checked(scan, path: path, reader: reader, threads), [])
            case .skip: try Self.readable(scan, path: path, reader: reader, cache: cache, threads)
            }
        pictures = scan.pictures
        unread = scan.unread
    }

    /// The number of pictures.
    public var count: Int { positions.count }

    /// How pictures of other sizes got ``imageShape``.
    public var resizing: ImageResizing? { reader.fitting.resizing }

    /// true: pictures are decoded when they are asked for.
    public var isDecodedOnRead: Bool { true }

    /// The class of one picture.
    public func label(at index: Int) -> Int { pictures[positions[index]].label }

    /// The file of one picture.
    /// - Parameter index: in `0..<count`; anything else is a programming error.
    public func file(at index: Int) -> URL { URL(fileURLWithPath: pictures[positions[index]].path) }

    /// Reads one picture: the file is decoded, turned upright, resized and cut.
    /// - Throws: ``PictureError``.
    public func readPixels(at index: Int, into pixels: inout MutableSpan<UInt8>) throws {
        precondition(
            pixels.count >= imageShape.count,
            "a picture has \(imageShape.count) bytes, but there is room for \(pixels.count)")
        let position = positions[index]
        if let kept = cache[position] {
            pixels.copy(kept.span)
            return
        }
        try reader.read(pictures[position].path, into: &pixels)
        cache.insert(pixels.span, at: position)
    }
}

/// Unlabeled picture files to classify; every label is 0 and has no meaning.
package struct PictureFiles: ImageDataset {
    /// The files, in the order in which they were given.
    package let files: [URL]
    /// The model's classes.
    package let classNames: [String]
    /// Every picture's shape: `[height, width, channels]`.
    package let imageShape: TensorShape
    /// The normalization.
    package let normalization: Normalization

    private let reader: PictureReader

    /// Checks the files' headers.
    /// - Parameters:
    ///   - classNames: the classes of the model that is to classify them.
    ///   - configuration: shape, resizing, normalization, limits and workers; the rest is about folders.
    /// - Throws: ``ImageFolderError/unreadablePictures(path:_:)`` or ``ImageFolderError/invalidSetting(name:value:remedy:)``.
    package init(
        _ files: [URL], classNames: [String], configuration: ImageFolder.Configuration
    ) throws(ImageFolderError) {
        try configuration.validate()
        let reader = PictureReader(fitting: PictureFitting(configuration), limits: configuration.limits)
        let threads = ThreadTeam(workers: configuration.workers ?? ThreadTeam.processorCount)
        let errors = PictureReader.failures(of: files.map(\.path), threads) { _, path throws(PictureError) in
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
    package var name: String { "picture files" }

    /// The number of files.
    package var count: Int { files.count }

    /// How pictures of other sizes get ``imageShape``.
    package var resizing: ImageResizing? { reader.fitting.resizing }

    /// true: pictures are decoded when they are asked for.
    package var isDecodedOnRead: Bool { true }

    /// Returns 0.
    package func label(at index: Int) -> Int { 0 }

    /// Reads one picture: the file is decoded, turned upright, resized and cut.
    /// - Throws: ``PictureError``.
    package func readPixels(at index: Int, into pixels: inout MutableSpan<UInt8>) throws {
        precondition(
            pixels.count >= imageShape.count,
            "a picture has \(imageShape.count) bytes, but there is room for \(pixels.count)")
        try reader.read(files[index].path, into: &pixels)
    }
}
