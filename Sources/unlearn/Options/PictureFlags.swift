import ArgumentParser
import Foundation
import ImageFolders
import Logging
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
        name: .customLong("std"), parsing: .unconditional,
        help: ArgumentHelp("The standard deviations that belong to --mean.", valueName: "deviations"),
        transform: NumberList.init(parsing:))
    var givenStandardDeviation: NumberList?

    // The option's name before 1.0, which scripts may still use.
    @Option(
        name: .customLong("deviation"), parsing: .unconditional, help: .hidden, transform: NumberList.init(parsing:))
    var deviation: NumberList?

    private var standardDeviation: NumberList? { givenStandardDeviation ?? deviation }

    @Option(
        help: ArgumentHelp(
            "The classes of a folder or of IDX files in their order, if the model does not name them: names with commas between "
                + "them, or a file with one a line.", valueName: "names"),
        transform: ClassNamesArgument.init(parsing:))
    var classNames: ClassNamesArgument?

    func validate() throws {
        guard (mean == nil) == (standardDeviation == nil) else {
            throw ValidationError("--mean and --std belong together; give both.")
        }
    }

    /// The files that the options name.
    var files: [String] { [classNames?.file].compactMap(\.self) }

    /// Which options are given.
    var given: [(String, Bool)] { [("--class-names", classNames != nil)] + givenForFolders }

    /// Which of those are given that are for folders of pictures.
    private var givenForFolders: [(String, Bool)] {
        [("--resize", resize != nil), ("--unreadable", unreadable != .refuse), ("--mean", mean != nil)]
    }

    /// Checks that the options have something to work on.
    func check(for datasets: [DatasetArgument?]) throws {
        if classNames != nil, !datasets.contains(where: { $0?.namesNoClasses ?? false }) {
            throw ValidationError("--class-names is for folders and IDX files; the data set has names of its own.")
        }
        guard !datasets.contains(where: { $0?.isFolder ?? false }) else { return }
        if let option = givenForFolders.first(where: \.1)?.0 {
            throw ValidationError("\(option) is for folders of pictures; give folder:DIR.")
        }
    }

    /// Reads one split for a model; IDX files name no classes, so they get the model's.
    /// - Parameter absent: classes that may have no folder.
    func load(
        _ dataset: DatasetArgument, split: DatasetSplit, for model: Model, absent: AbsentClasses? = nil,
        _ console: Console
    ) throws -> any ImageDataset {
        let given = try givenNames(for: model)
        switch dataset {
        case .known(let specification):
            return try specification.load(split: split, classNames: given ?? model.namesOrNumbers)
        case .folder(let directory):
            let configuration = try configuration(for: model)
            let names =
                if let given { given } else {
                    try names(of: directory, for: model, configuration, absent: absent, console)
                }
            return try read(directory, split: split, classNames: names, configuration, console)
        }
    }

    /// The model's class of each folder.
    private func names(
        of directory: URL, for model: Model, _ configuration: ImageFolder.Configuration, absent: AbsentClasses?,
        _ console: Console
    ) throws -> [String] {
        let names = model.metadata.classNames
        let folders = try ImageFolder.classNames(
            in: directory, known: names.isEmpty ? nil : names, configuration: configuration)
        // A class that has gone from the training's pictures may still be among the test's.
        let found = folders.training.count < model.classCount ? folders.all : folders.training
        let assignment = try ClassAssignment(
            of: found, in: directory.path, known: names, count: model.classCount, absent: absent?.classes,
            option: absent?.option)
        if let note = assignment.note(for: found) { console.warnOnce("\(directory.path): \(note)") }
        return assignment.names
    }

    /// The names of `--class-names`, which have to be the model's where it has some.
    private func givenNames(for model: Model) throws -> [String]? {
        guard let classNames else { return nil }
        let names = try classNames.names()
        guard names.count == model.classCount else {
            throw CommandError("--class-names: names \(names.count) classes, but the model has \(model.classCount)")
        }
        for (index, (given, own)) in zip(names, model.metadata.classNames).enumerated()
        where given != own && own != String(index) {
            throw CommandError(
                "--class-names: class \(index) is '\(given)', but the model's is '\(own)'; leave them out")
        }
        return names
    }

    /// Reads one split for a network that does not exist yet.
    /// - Parameter excluded: classes that need no pictures, nor even a folder if they are given by name.
    func load(
        _ dataset: DatasetArgument, split: DatasetSplit, imageSize: Int, channels: Int, excluding excluded: ClassList?,
        _ console: Console
    ) throws -> any ImageDataset {
        switch dataset {
        case .known(let specification):
            return try specification.load(split: split, classNames: try classNames?.names())
        case .folder(let directory):
            // A shape cannot be made of any number.
            guard (1...Model.largestImageSize).contains(imageSize) else {
                throw UnlearningError.invalidSetting(
                    name: "image size", value: "\(imageSize)",
                    remedy: "use a number from 1 to \(Model.largestImageSize)")
            }
            guard [1, 3].contains(channels) else {
                throw UnlearningError.invalidSetting(
                    name: "channels", value: "\(channels)", remedy: "pictures have 3, or 1 for gray")
            }
            let configuration = configuration(shape: [imageSize, imageSize, channels])
            guard let excluded else {
                return try read(
                    directory, split: split, classNames: try classNames?.names(), configuration, console)
            }
            let names =
                if let given = try classNames?.names() { given } else {
                    excluded.namesAdded(
                        to: try ImageFolder.classNames(in: directory, configuration: configuration).training)
                }
            let folder = try read(directory, split: split, classNames: names, configuration, console)
            let indices = try excluded.indices(names: names, count: names.count)
            for (label, count) in folder.classCounts.enumerated() where count == 0 && !indices.contains(label) {
                throw DatasetError.classWithoutImages(dataset: folder.name, label: label, name: names[label])
            }
            return folder
        }
    }

    /// Reads picture files for a model.
    func load(_ files: [String], for model: Model) throws -> PictureFiles {
        try PictureFiles(
            files.map { URL(fileURLWithPath: $0) }, classNames: try givenNames(for: model) ?? model.namesOrNumbers,
            configuration: try configuration(for: model))
    }

    private func configuration(for model: Model) throws -> ImageFolder.Configuration {
        var configuration = configuration(shape: model.graph.inputShape)
        configuration.resizing = configuration.resizing ?? model.metadata.resizing
        if let given = configuration.normalization, let own = model.metadata.normalization, given != own {
            throw CommandError("--mean and --std are not the model's own; leave them out")
        }
        return configuration
    }

    private func configuration(shape: TensorShape) -> ImageFolder.Configuration {
        var configuration = ImageFolder.Configuration(imageShape: shape, resizing: resize?.resizing)
        configuration.unreadable = unreadable
        if let mean, let standardDeviation {
            configuration.normalization = Normalization(mean: mean.values, standardDeviation: standardDeviation.values)
        }
        return configuration
    }

    private func read(
        _ directory: URL, split: DatasetSplit, classNames: [String]?, _ configuration: ImageFolder.Configuration,
        _ console: Console
    ) throws -> ImageFolder {
        let folder = try ImageFolder(
            directory, split: split, classNames: classNames, configuration: configuration)
        for pictures in folder.unread {
            console.warnOnce(
                "\(directory.path): \(pictures.format) is not read, so \(pictures.count) "
                    + "\(pictures.count == 1 ? "picture is" : "pictures are") left out, the first \(pictures.first.path); convert to "
                    + "PNG or JPEG")
        }
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

/// Classes that a data set may lack, as those that are to be forgotten.
struct AbsentClasses {
    let classes: ClassList
    /// The option that names them.
    let option: String
}

extension Model {
    /// The numbers of classes, with a warning where a number was taken as a name.
    func classIndices(of list: ClassList, _ console: Console) throws -> Set<Int> {
        let (indices, notes) = try list.resolved(names: metadata.classNames, count: classCount)
        for note in notes { console.warnOnce(note) }
        return indices
    }

    /// The classes' names, or their numbers if they have none.
    fileprivate var namesOrNumbers: [String] {
        metadata.classNames.isEmpty ? (0..<classCount).map(String.init) : metadata.classNames
    }
}

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
