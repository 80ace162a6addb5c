import Foundation
import ImageDatasets
import TestSupport
import Testing

/// MNIST's files under the names, and in the folders, that people have them.
@Suite("Names of IDX files", .tags(.data))
struct FileNameTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    private static let standard = [
        "train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte",
    ]

    private func write(_ names: [String], below path: String = "") throws {
        for (index, name) in names.enumerated() {
            let bytes = index % 2 == 0 ? idxImages(count: index + 2) : idxLabels(Array(repeating: 1, count: index + 1))
            try folder.write(name.hasSuffix("gz") ? gzip(bytes) : bytes, to: path + name)
        }
    }

    private func expectBothSplits(sourceLocation: SourceLocation = #_sourceLocation) throws {
        #expect(try FashionMNIST(split: .train, directory: folder.url).count == 2, sourceLocation: sourceLocation)
        #expect(try FashionMNIST(split: .test, directory: folder.url).count == 4, sourceLocation: sourceLocation)
        let files = DatasetSpecification.fashionMNIST(directory: folder.url).files
        #expect(files.count == 4, sourceLocation: sourceLocation)
        #expect(
            files.allSatisfy { FileManager.default.fileExists(atPath: $0.path) }, sourceLocation: sourceLocation)
    }

    @Test(
        "spellings",
        arguments: [
            standard, standard.map { $0 + ".gz" }, standard.map { $0.replacingOccurrences(of: "-idx", with: ".idx") },
            standard.map { $0.replacingOccurrences(of: "-idx", with: ".idx") + ".gz" },
            standard.map { $0.uppercased() },
            standard.map { $0.replacingOccurrences(of: "-", with: "_") },
            standard.map { $0.replacingOccurrences(of: "t10k", with: "test") },
        ])
    func spellings(names: [String]) throws {
        try write(names)
        try expectBothSplits()
    }

    @Test("folders of torchvision", arguments: ["raw/", "FashionMNIST/raw/", "fashionmnist/RAW/"])
    func folders(path: String) throws {
        try write(Self.standard, below: path)
        try expectBothSplits()
    }

    @Test("the plain spelling comes first, then unpacked files, and a folder of the name is none")
    func order() throws {
        try write(Self.standard)
        try write(Self.standard.map { $0 + ".gz" })
        #expect(DatasetSpecification.fashionMNIST(directory: folder.url).files.count == 8)
        let found = IDXFolder(folder.url, subfolders: [])
        #expect(try found.images(of: .train, remedy: "").lastPathComponent == Self.standard[0])
        let other = try FileNameTests()
        try other.folder.write([1], to: "\(Self.standard[0])/readme")
        try other.write(Self.standard.map { $0.replacingOccurrences(of: "-idx", with: ".idx") })
        try other.expectBothSplits()
    }

    @Test("a missing file's error says what was looked for and what is there")
    func missing() throws {
        try folder.write([1], to: "labels.csv")
        func message() -> String {
            datasetError { _ = try FashionMNIST(split: .test, directory: folder.url) }?.description ?? ""
        }
        let path = folder.url.path
        #expect(
            message().hasPrefix("\(path)/t10k-images-idx3-ubyte: no such file; looked for it with a hyphen, a dot or"))
        #expect(message().contains("in \(path), which holds labels.csv, and in its raw and FashionMNIST/raw; run"))
        try write(Array(Self.standard[..<2]), below: "raw/")
        #expect(message().contains("in \(path)/raw, which holds train-images-idx3-ubyte, train-labels-idx1-ubyte; run"))
        let digits = try FileNameTests()
        try digits.write(Self.standard, below: "MNIST/raw/")
        let error = datasetError { _ = try FashionMNIST(directory: digits.folder.url) }
        #expect(error?.description.contains("MNIST/raw holds digits, which are other classes") == true)
    }
}
