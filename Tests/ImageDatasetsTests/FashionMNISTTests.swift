import Foundation
import ImageDatasets
import NeuralGraph
import TestSupport
import Testing

@Suite("Fashion-MNIST", .tags(.data))
struct FashionMNISTTests {
    static let isInstalled = FileManager.default.fileExists(atPath: FashionMNIST.defaultDirectory.path)

    @Test("the installed data set is complete", .enabled(if: isInstalled))
    func installed() throws {
        let train = try FashionMNIST(split: .train)
        #expect(train.count == 60_000)
        #expect(train.imageShape == [28, 28, 1])
        #expect(train.classCounts == [Int](repeating: 6000, count: 10))
        #expect((0..<5).map { train.label(at: $0) } == [9, 0, 0, 3, 0])
        let measured = train.images.packed.measuredNormalization()
        #expect(abs(measured.mean[0] - 0.2860) < 1e-4)
        #expect(abs(measured.standardDeviation[0] - 0.3530) < 1e-4)
        let test = try FashionMNIST(split: .test)
        #expect(test.count == 10_000)
        #expect(test.classCounts == [Int](repeating: 1000, count: 10))
        #expect(test.name == "Fashion-MNIST (test)")
    }

    @Test("files are found with and without .gz")
    func layouts() throws {
        let folder = try TemporaryFolder()
        try folder.write(gzip(idxImages(count: 2)), to: "train-images-idx3-ubyte.gz")
        try folder.write(idxLabels([9, 0]), to: "train-labels-idx1-ubyte")
        let set = try FashionMNIST(split: .train, directory: folder.url)
        #expect(set.labels == [9, 0])
        #expect(set.classNames[9] == "Ankle boot")
        let error = datasetError { _ = try FashionMNIST(split: .test, directory: folder.url) }
        #expect(error?.code == .missingFile && error?.path?.hasSuffix("t10k-images-idx3-ubyte") == true)
    }

    @Test("a label beyond the ten classes is an error")
    func labels() throws {
        let folder = try TemporaryFolder()
        try folder.write(idxImages(count: 2), to: "train-images-idx3-ubyte")
        try folder.write(idxLabels([9, 10]), to: "train-labels-idx1-ubyte")
        let error = datasetError { _ = try FashionMNIST(split: .train, directory: folder.url) }
        #expect(error?.description.contains("label 10 of image 1 is outside 0...9") == true)
    }

    @Test("a missing folder names the package to install")
    func missing() throws {
        let folder = try TemporaryFolder()
        let missing = datasetError {
            _ = try FashionMNIST(directory: folder.url.appendingPathComponent("nothing"))
        }
        #expect(missing?.description.contains("apt install dataset-fashion-mnist") == true)
        let file = try folder.write([1], to: "file")
        let error = datasetError { _ = try FashionMNIST(directory: file) }
        #expect(error == .notADirectory(path: file.path))
    }
}
