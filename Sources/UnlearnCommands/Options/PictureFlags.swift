import ArgumentParser
import Foundation
import ImageFolders
import Logging
package import Unlearning

/// How the pictures of a folder are read.
struct PictureFlags: ParsableArguments {
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How a folder's pictures get the network's size: the shorter side in pixels, from which the center is cropped, "
                + "or 'stretch'. (default: as the model was trained, or the network's size)",
            valueName: "pixels"),
        transform: ResizeArgument.init(parsing:))
    var resize: ResizeArgument?

    @Option(
        help: ArgumentHelp(
            "What to do with a folder's pictures that cannot be read: refuse (an error) or skip (a warning). "
                + "(default: refuse)", valueName: "choice"),
        completion: WordParsing.completion(ImageFolder.UnreadablePictures.self), transform: WordParsing.word("choice"))
    var unreadable: ImageFolder.UnreadablePictures?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Normalization of a folder's pictures, if the model has none: a mean from 0 to 1 for each channel, "
                + "comma-separated. (default: ImageNet's)", valueName: "means"),
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
            "The classes of a folder or of IDX files in their order, if the model does not name them: comma-separated "
                + "names, or a file with one name per line.", valueName: "names"),
        completion: .file(), transform: ClassNamesArgument.init(parsing:))
    var classNames: ClassNamesArgument?

    func validate() throws {
        guard (mean == nil) == (standardDeviation == nil) else {
            throw ValidationError("--mean and --std belong together; give both.")
        }
    }

    /// The files that the options name.
    var files: [String] { [classNames?.file].compactMap(\.self) }

    /// The options' values as one text; empty without options.
    var settings: String {
        let values: [(String, Any?)] = [
            ("resize", resize), ("unreadable", unreadable), ("mean", mean?.values),
            ("std", standardDeviation?.values), ("class names", classNames?.text),
        ]
        return values.compactMap { name, value in value.map { "\(name) \($0)" } }.joined(separator: ", ")
    }

    /// Which options are given.
    var given: [GivenOption] { [("--class-names", classNames != nil)] + givenForFolders }

    /// The given options that are for folders of pictures alone.
    private var givenForFolders: [GivenOption] {
        [("--resize", resize != nil), ("--unreadable", unreadable != nil), ("--mean", mean != nil)]
    }

    /// Checks that each option has an effect.
    func check(for datasets: [DatasetArgument?]) throws {
        try refuse(
            [("--class-names", classNames != nil)], unless: datasets.contains { $0?.namesNoClasses ?? false },
            "is for folders and IDX files; other data sets have names of their own.")
        try refuse(
            givenForFolders, unless: datasets.contains { $0?.isFolder ?? false },
            "is for folders of pictures; give folder:DIR.")
    }

    /// Checks the options for single pictures, none of which is skipped.
    func checkForFiles() throws {
        try refuse(
            [("--unreadable", unreadable != nil)],
            "has no effect on single pictures, none of which is skipped; leave it out.")
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
            let isIDX = dataset.hasOneSplit
            let images = try specification.load(
                split: split, classNames: given ?? (isIDX ? model.namesBeforeRemoval : model.namesOrNumbers))
            return try model.leavingOutRemovedClasses(images)
        case .folder(let directory):
            let configuration = try configuration(for: model)
            if let given { return try read(directory, split: split, classNames: given, configuration, console) }
            let (names, gone) = try names(of: directory, for: model, configuration, absent: absent, console)
            let folder = try read(directory, split: split, classNames: names + gone, configuration, console)
            guard !gone.isEmpty else { return folder }
            return try RelabeledImages(folder, leavingOut: Set(names.count..<names.count + gone.count))
        }
    }

    /// The model's class of each folder, and the folders of classes whose outputs were removed.
    private func names(
        of directory: URL, for model: Model, _ configuration: ImageFolder.Configuration, absent: AbsentClasses?,
        _ console: Console
    ) throws -> (names: [String], gone: [String]) {
        let names = model.metadata.classNames
        let folders = try ImageFolder.classNames(
            in: directory, known: names.isEmpty ? nil : names, configuration: configuration)
        // A class that has gone from the training's pictures may still be among the test's.
        let found = folders.training.count < model.classCount ? folders.all : folders.training
        if let renamed = model.metadata.foldersOfRenamedClasses(found) { return renamed }
        let assignment = try ClassAssignment(
            of: found, in: directory.path, known: names, count: model.classCount, absent: absent?.classes,
            option: absent?.option)
        if let note = assignment.note(for: found) { console.warnOnce("\(directory.path): \(note)") }
        return (assignment.names, [])
    }

    /// The names of `--class-names`, which have to be the model's where it has some.
    private func givenNames(for model: Model) throws -> [String]? {
        guard let classNames else { return nil }
        let names = try classNames.names()
        guard names.count == model.classCount else {
            throw CommandError("--class-names: names \(names.count) classes, but the model has \(model.classCount)")
        }
        for (index, (given, own)) in zip(names, model.metadata.classNames).enumerated()
        where given != own && own != String(index) && !model.metadata.forgottenClasses.contains(index) {
            throw CommandError(
                "--class-names: class \(index) is '\(given)', but the model's is '\(own)'; leave them out")
        }
        return names
    }

    /// Reads one split for a network that is not built yet.
    /// - Parameter excluded: classes that need no pictures, nor even a folder if they are given by name.
    func load(
        _ dataset: DatasetArgument, split: DatasetSplit, imageSize: Int, channels: Int, excluding excluded: ClassList?,
        _ console: Console
    ) throws -> any ImageDataset {
        switch dataset {
        case .known(let specification):
            return try specification.load(split: split, classNames: try classNames?.names())
        case .folder(let directory):
            // A shape cannot hold every number.
            guard (1...Model.largestImageSize).contains(imageSize) else {
                throw UnlearningError.invalidSetting(
                    name: "image size", value: "\(imageSize)",
                    remedy: "use a number from 1 to \(Model.largestImageSize)")
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
    func load(_ files: [String], for model: Model, _ console: Console) throws -> PictureFiles {
        var configuration = try configuration(for: model)
        configuration.workers = console.threads
        return try PictureFiles(
            files.map { URL(fileURLWithPath: $0) }, classNames: try givenNames(for: model) ?? model.namesOrNumbers,
            configuration: configuration)
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
        configuration.unreadable = unreadable ?? .refuse
        if let mean, let standardDeviation {
            configuration.normalization = Normalization(mean: mean.values, standardDeviation: standardDeviation.values)
        }
        return configuration
    }

    private func read(
        _ directory: URL, split: DatasetSplit, classNames: [String]?, _ configuration: ImageFolder.Configuration,
        _ console: Console
    ) throws -> ImageFolder {
        var configuration = configuration
        configuration.workers = console.threads
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

extension ModelMetadata {
    /// The classes of a folder where some folders are of classes that were renamed or removed when they were forgotten.
    ///
    /// Which of several renamed classes a folder is of cannot be told any more: folders take their places in order.
    /// - Parameter found: the folders' names.
    /// - Returns: a name for each class, and the folders that are of none; nil if no folder is left over, or more than such
    ///   classes.
    fileprivate func foldersOfRenamedClasses(_ found: [String]) -> (names: [String], gone: [String])? {
        guard !classNames.isEmpty else { return nil }
        var unknown = found.filter { !classNames.contains($0) }
        let open = forgottenClasses.sorted().filter { !found.contains(classNames[$0]) }
        guard !unknown.isEmpty, unknown.count <= open.count + droppedClasses.count,
            classNames.indices.allSatisfy({ classNames[$0] != String($0) })
        else { return nil }
        var names = classNames
        for index in open where !unknown.isEmpty { names[index] = unknown.removeFirst() }
        return (names, unknown)
    }
}

/// Classes that a data set may lack, as those that are to be forgotten.
struct AbsentClasses {
    let classes: ClassList
    /// The option that names them.
    let option: String
}

extension Model {
    /// The numbers of classes, with a warning where a number was taken as a name.
    package func classIndices(of list: ClassList, _ console: Console) throws -> Set<Int> {
        let (indices, notes) = try list.resolved(names: metadata.classNames, count: classCount)
        for note in notes { console.warnOnce(note) }
        return indices
    }

    /// As many names as there were classes before outputs were removed; what is removed has a number for its name.
    fileprivate var namesBeforeRemoval: [String] {
        let dropped = Set(metadata.droppedClasses)
        var own = namesOrNumbers.makeIterator()
        return (0..<metadata.originalCount(of: classCount)).map { index in
            dropped.contains(index) ? String(index) : own.next() ?? String(index)
        }
    }

    /// A data set without the classes whose outputs were removed from the network, if it has them.
    fileprivate func leavingOutRemovedClasses(_ images: any ImageDataset) throws -> any ImageDataset {
        let dropped = Set(metadata.droppedClasses)
        guard !dropped.isEmpty, images.classNames.count == metadata.originalCount(of: classCount) else { return images }
        return try RelabeledImages(images, leavingOut: dropped)
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
