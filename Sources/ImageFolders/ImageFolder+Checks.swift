package import Foundation
import NeuralGraph

extension ImageFolder {
    /// The names of the classes' folders, sorted by their bytes, whether or not they hold pictures.
    /// - Parameters:
    ///   - known: a model's class names, if it has some.
    ///   - configuration: how the pictures will be read, whose mistakes come first.
    /// - Returns: those to learn from, and those of both splits together.
    package static func classNames(
        in directory: URL, known: [String]? = nil, configuration: Configuration
    ) throws(ImageFolderError) -> (training: [String], all: [String]) {
        try configuration.validate()
        return try FolderSplit.classNames(of: directory.path, known: known)
    }

    /// Checks every picture's header.
    /// - Returns: all positions.
    static func checked(
        _ scan: FolderScan, path: String, reader: PictureReader, _ threads: ThreadTeam
    ) throws(ImageFolderError) -> [Int] {
        let errors = PictureReader.failures(of: scan.pictures.map(\.path), threads) { _, path throws(PictureError) in
            try DecodedPicture.check(path, limits: reader.limits)
        }
        guard errors.isEmpty else { throw .unreadablePictures(path: path, errors.map(\.error)) }
        return Array(scan.pictures.indices)
    }

    /// Reads every picture, and keeps what fits into the cache.
    /// - Returns: the positions of those that can be read, and what is wrong with the others.
    static func readable(
        _ scan: FolderScan, path: String, reader: PictureReader, cache: PictureCache, _ threads: ThreadTeam
    ) throws(ImageFolderError) -> (positions: [Int], skipped: [PictureError]) {
        let size = reader.fitting.shape.count
        let paths = scan.pictures.map(\.path)
        let errors = PictureReader.failures(of: paths, threads) { position, path throws(PictureError) in
            var bytes = [UInt8](repeating: 0, count: size)
            var pixels = bytes.mutableSpan
            try reader.read(path, into: &pixels)
            cache.insert(pixels.span, at: position)
        }
        let bad = Set(errors.map(\.position))
        let positions = scan.pictures.indices.filter { !bad.contains($0) }
        let readable = Set(positions.map { scan.pictures[$0].label })
        for (position, error) in errors {
            let label = scan.pictures[position].label
            guard readable.contains(label) else {
                throw .classWithoutReadablePictures(path: "\(path)/\(scan.classNames[label])", first: error)
            }
        }
        return (positions, errors.map(\.error))
    }

    /// ImageNet's normalization for a number of channels.
    static func normalization(channels: Int) -> Normalization {
        channels == 3 ? imageNetNormalization : Normalization(mean: [0.449], standardDeviation: [0.226])
    }
}

extension ImageFolder.Configuration {
    private static let sides = 1...65_536

    func validate() throws(ImageFolderError) {
        guard imageShape.rank == 3, [1, 3].contains(imageShape.channels),
            imageShape.dimensions.dropLast().allSatisfy({ Self.sides.contains($0) })
        else {
            throw .invalidSetting(
                name: "picture shape", value: "\(imageShape)",
                remedy: "give height and width from 1 to \(Self.sides.upperBound), and 3 channels or 1")
        }
        if case .cropped(let shorterSide) = resizing {
            let least = max(imageShape[0], imageShape[1])
            guard shorterSide <= Self.sides.upperBound, shorterSide >= least else {
                throw .invalidSetting(
                    name: "shorter side", value: "\(shorterSide)",
                    remedy: "\(imageShape[0])x\(imageShape[1]) pixels are cut out of it; give \(least) or more, up to "
                        + "\(Self.sides.upperBound)")
            }
        }
        if let normalization {
            do {
                _ = try normalization.expanded(toChannels: imageShape.channels)
            } catch {
                throw .invalidSetting(name: error.place, value: "this normalization", remedy: error.message)
            }
        }
        guard testShare > 0, testShare < 1 else {
            throw .invalidSetting(name: "test share", value: "\(testShare)", remedy: "give a number between 0 and 1")
        }
        for (name, value) in [("pixels", limits.pixels), ("bytes", limits.bytes), ("file bytes", limits.fileBytes)] {
            guard value >= 1 else {
                throw .invalidSetting(
                    name: "limit of \(name)", value: "\(value)", remedy: "give a number of at least 1")
            }
        }
    }
}

extension PictureFitting {
    /// How a validated configuration wants pictures.
    init(_ configuration: ImageFolder.Configuration) {
        let shape = configuration.imageShape
        self.init(shape: shape, resizing: configuration.resizing ?? .cropped(shorterSide: max(shape[0], shape[1])))
    }
}
