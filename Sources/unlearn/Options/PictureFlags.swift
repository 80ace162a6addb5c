import ArgumentParser
import Foundation
import ImageFolders
import Unlearning

/// How pictures of a folder are read.
struct PictureFlags: ParsableArguments {
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How pictures of a folder get the network's size: the pixels of the shorter side, out of which the middle is "
                + "cut, or 'stretch'. (default: as the model was trained, or the network's size)",
            valueName: "pixels"),
        transform: ResizeArgument.init(parsing:))
    var resize: ResizeArgument?

    @Option(
        help: ArgumentHelp(
            "What becomes of a folder's pictures that cannot be read: refuse (an error) or skip (a warning).",
            valueName: "choice"))
    var unreadable: ImageFolder.UnreadablePictures = .refuse

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "What a folder's pictures are normalized with, if the model does not say: a mean for each channel from 0 to "
                + "1, with commas between them. (default: ImageNet's)", valueName: "means"),
        transform: NumberList.init(parsing:))
    var mean: NumberList?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The standard deviations that belong to --mean.", valueName: "deviations"),
        transform: NumberList.init(parsing:))
    var deviation: NumberList?

    func validate() throws {
        guard (mean == nil) == (deviation == nil) else {
            throw ValidationError("--mean and --deviation belong together; give both.")
        }
    }

    /// Checks that the options have something to work on.
    func check(for datasets: [DatasetArgument?]) throws {
        guard !datasets.contains(where: { $0?.isFolder ?? false }) else { return }
        let given = [
            ("--resize", resize != nil), ("--unreadable", unreadable != .refuse), ("--mean", mean != nil),
        ]
        if let option = given.first(where: \.1)?.0 {
            throw ValidationError("\(option) is for folders of pictures; give folder:DIR.")
        }
    }

    /// Reads one split for a model; IDX files name no classes, so they get the model's.
    func load(
        _ dataset: DatasetArgument, split: DatasetSplit, for model: Model, _ console: Console
    ) throws -> any ImageDataset {
        let names = model.metadata.classNames
        let numbers = (0..<model.classCount).map(String.init)
        switch dataset {
        case .known(let specification):
            return try specification.load(split: split, classNames: names.isEmpty ? numbers : names)
        case .folder(let directory):
            let configuration = try configuration(for: model)
            // Numbers stand for names that are not known.
            let known = names.isEmpty || names == numbers ? nil : names
            return try read(directory, split: split, classNames: known, configuration, console)
        }
    }

    /// Reads one split for a network that does not exist yet.
    func load(
        _ dataset: DatasetArgument, split: DatasetSplit, imageSize: Int, channels: Int, _ console: Console
    ) throws -> any ImageDataset {
        switch dataset {
        case .known(let specification):
            return try specification.load(split: split)
        case .folder(let directory):
            // A shape cannot be made of any number.
            guard (1...Model.largestImageSize).contains(imageSize) else {
                throw UnlearningError.invalidSetting(
                    name: "image size", value: "\(imageSize)",
                    remedy: "use a number from 1 to \(Model.largestImageSize)")
            }
            guard [1, 3].contains(channels) else {
                throw UnlearningError.invalidSetting(
                    name: "channels", value: "\(channels)", remedy: "pictures have 3, or 1 for grey")
            }
            let configuration = configuration(shape: [imageSize, imageSize, channels])
            return try read(directory, split: split, classNames: nil, configuration, console)
        }
    }

    /// Reads picture files for a model.
    func load(_ files: [String], for model: Model) throws -> PictureFiles {
        let names = model.metadata.classNames
        return try PictureFiles(
            files.map { URL(fileURLWithPath: $0) },
            classNames: names.isEmpty ? (0..<model.classCount).map(String.init) : names,
            configuration: try configuration(for: model))
    }

    private func configuration(for model: Model) throws -> ImageFolder.Configuration {
        var configuration = configuration(shape: model.graph.inputShape)
        configuration.resizing = configuration.resizing ?? model.metadata.resizing
        if let given = configuration.normalization, let own = model.metadata.normalization, given != own {
            throw CommandError("--mean and --deviation are not the model's own; leave them out")
        }
        return configuration
    }

    private func configuration(shape: Shape) -> ImageFolder.Configuration {
        var configuration = ImageFolder.Configuration(imageShape: shape, resizing: resize?.resizing)
        configuration.unreadable = unreadable
        if let mean, let deviation {
            configuration.normalization = Normalization(mean: mean.values, standardDeviation: deviation.values)
        }
        return configuration
    }

    private func read(
        _ directory: URL, split: DatasetSplit, classNames: [String]?, _ configuration: ImageFolder.Configuration,
        _ console: Console
    ) throws -> ImageFolder {
        let folder = try ImageFolder(
            directory, split: split, classNames: classNames, configuration: configuration)
        let shown = 10
        for error in folder.skipped.prefix(shown) {
            console.logger.warning("\(error.path): \(error.reason); skipped")
        }
        if folder.skipped.count > shown {
            console.logger.warning("\(folder.skipped.count - shown) more pictures in \(folder.name) skipped")
        }
        // A class to forget often has no pictures any more; of one to measure, the reader should know.
        for (name, count) in zip(folder.classNames, folder.classCounts) where count == 0 && split == .test {
            console.logger.warning("\(folder.name): no pictures of class '\(name)'")
        }
        return folder
    }
}

extension ImageFolder.UnreadablePictures: ExpressibleByArgument {}

/// A folder's resizing as the command line writes it.
struct ResizeArgument: Sendable {
    let resizing: ImageResizing

    init(parsing text: String) throws {
        if text == "stretch" {
            resizing = .stretched
        } else if let pixels = Int(text) {
            resizing = .cropped(shorterSide: pixels)
        } else {
            throw ValidationError("give the shorter side in pixels, or stretch")
        }
    }
}

/// Numbers with commas between them.
struct NumberList: Sendable {
    let values: [Float]

    init(parsing text: String) throws {
        let numbers = text.split(separator: ",", omittingEmptySubsequences: false).map { Float($0) }
        guard numbers.allSatisfy({ $0?.isFinite ?? false }) else {
            throw ValidationError("give numbers with commas between them, as in 0.485,0.456,0.406")
        }
        values = numbers.compactMap(\.self)
    }
}
