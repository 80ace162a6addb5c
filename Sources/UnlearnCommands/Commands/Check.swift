import ArgumentParser
import Foundation
import ImageFolders
import NeuralGraph
import Unlearning
import UnlearningReports

/// `unlearn check`
struct Check: ReportingCommand {
    static let configuration = CommandConfiguration(
        abstract: "Checks this machine: processor, libraries, memory and data sets.",
        discussion: """
            Shows what the program computes with, reads the data sets once, and says what is missing and how to install \
            it. Exit code 0 means ready, and 1 that something is missing.

            EXAMPLES
              unlearn check
              unlearn check --dataset folder:photos --dataset cifar10:data/cifar10
            """)

    @Option(
        name: .customLong("dataset"), parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "A data set to look for; give it once for each. (default: fashion-mnist)", valueName: "data set"),
        completion: DatasetArgument.completion, transform: DatasetArgument.init(parsing:))
    var datasets: [DatasetArgument] = []

    @OptionGroup var flags: PlainFlags

    func perform(_ console: Console) async throws -> CheckReport {
        let datasets = try datasets.isEmpty ? [DatasetArgument(parsing: "fashion-mnist")] : datasets
        var found: [CheckedDataset] = []
        for dataset in datasets {
            try Task.checkCancellation()
            found.append(CheckedDataset(dataset))
        }
        return CheckReport(engine: EngineEnvironment(), memory: SystemMemory(), datasets: found)
    }
}

/// A data set that was looked for.
struct CheckedDataset: Encodable, Sendable {
    /// The option's value, or what it stands for.
    let name: String
    /// The number of images of each split that is there.
    var imageCounts: [String: Int] = [:]
    /// The number of classes; nil if nothing could be read.
    var classCount: Int?
    /// Why it cannot be used, with the remedy; nil if it can.
    var fault: String?

    /// Reads all splits.
    init(_ dataset: DatasetArgument) {
        switch dataset {
        case .known(let specification): name = specification.description
        case .folder(let folder): name = "folder:\(folder.path)"
        }
        let splits: [DatasetSplit] = dataset.hasOneSplit ? [.train] : [.train, .test]
        for split in splits {
            do {
                let images = try Self.load(dataset, split)
                imageCounts[dataset.hasOneSplit ? "all" : split.rawValue] = images.count
                classCount = images.classNames.count
            } catch let error as ImageFolderError where error.code == .noTestFolder {
                // Training and forgetting do without.
            } catch {
                fault = "\(error)"
                return
            }
        }
    }

    private static func load(_ dataset: DatasetArgument, _ split: DatasetSplit) throws -> any ImageDataset {
        switch dataset {
        case .known(let specification): try specification.load(split: split)
        case .folder(let folder):
            try ImageFolder(
                folder, split: split, configuration: ImageFolder.Configuration(imageShape: [32, 32, 3], resizing: nil))
        }
    }

    enum CodingKeys: CodingKey {
        case classCount, fault, imageCounts, name
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(classCount, forKey: .classCount)
        try container.encode(fault, forKey: .fault)
        try container.encode(imageCounts, forKey: .imageCounts)
        try container.encode(name, forKey: .name)
    }

    var text: String {
        if let fault { return "not usable: \(fault)" }
        let counts = imageCounts.sorted { $0.key > $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
        return "\(name): \(counts) images of \(classCount ?? 0) classes"
    }
}
