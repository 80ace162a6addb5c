import Foundation
import ImageDatasets
import NeuralGraph
import TestSupport
import Testing

@Suite("CIFAR", .tags(.data))
struct CIFARTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test(
        "CIFAR-10 reads its five files in order, with or without the subfolder",
        arguments: ["", "cifar-10-batches-bin/"])
    func ten(subfolder: String) throws {
        for batch in 1...5 {
            try folder.write(
                cifarRecords(labels: [[UInt8(batch)], [0]]), to: "\(subfolder)data_batch_\(batch).bin")
        }
        try folder.write(cifarRecords(labels: [[9]]), to: "\(subfolder)test_batch.bin")
        let train = try CIFAR10(split: .train, directory: folder.url)
        #expect(train.labels == [1, 0, 2, 0, 3, 0, 4, 0, 5, 0])
        #expect(train.classNames[3] == "cat")
        let pixels = try train.pixels(at: 3)
        #expect(pixels.count == 3072)
        #expect(Array(pixels[..<3]) == [10, 11, 12])
        #expect(Array(pixels[96..<99]) == [10, 255, 12])
        #expect(Array(pixels[99..<102]) == [10, 11, 12])
        #expect(try CIFAR10(split: .test, directory: folder.url).labels == [9])
    }

    @Test("CIFAR-10 takes its class names from the file beside it")
    func names() throws {
        try folder.write(cifarRecords(labels: [[9]]), to: "test_batch.bin")
        let names = (0..<10).map { "name \($0)" }
        try folder.write(Array((names.joined(separator: "\r\n") + "\n\n").utf8), to: "batches.meta.txt")
        #expect(try CIFAR10(split: .test, directory: folder.url).classNames == names)
        try folder.write(Array("one\ntwo\n".utf8), to: "batches.meta.txt")
        let error = datasetError { _ = try CIFAR10(split: .test, directory: folder.url) }
        #expect(error?.description.contains("names 2 classes instead of 10") == true)
    }

    @Test("CIFAR-100 has fine and coarse labels")
    func hundred() throws {
        try folder.write(cifarRecords(labels: [[19, 99], [3, 42]]), to: "cifar-100-binary/train.bin")
        let names = (0..<100).map { "fine \($0)" }.joined(separator: "\n")
        try folder.write(Array(names.utf8), to: "cifar-100-binary/fine_label_names.txt")
        let fine = try CIFAR100(split: .train, directory: folder.url)
        #expect(fine.labels == [99, 42])
        #expect(fine.classNames[99] == "fine 99")
        let coarse = try CIFAR100(split: .train, directory: folder.url, labels: .coarse)
        #expect(coarse.labels == [19, 3])
        #expect(coarse.classNames.count == 20)
        #expect(Array(try coarse.pixels(at: 1)[..<3]) == [10, 11, 12])
    }

    @Test("wrong sizes, labels and missing files are errors")
    func errors() throws {
        let record = cifarRecords(labels: [[3]])
        for length in [1, 3072, 3074, 6145] {
            let bytes = Array((record + record)[..<length])
            try folder.write(bytes, to: "test_batch.bin")
            let error = datasetError { _ = try CIFAR10(split: .test, directory: folder.url) }
            #expect(error?.code == .truncated, "\(length)")
        }
        try folder.write([], to: "test_batch.bin")
        #expect(datasetError { _ = try CIFAR10(split: .test, directory: folder.url) } != nil)
        try folder.write(cifarRecords(labels: [[10]]), to: "test_batch.bin")
        let label = datasetError { _ = try CIFAR10(split: .test, directory: folder.url) }
        #expect(label?.description.contains("label 10 of image 0 is outside 0...9") == true)
        let missing = datasetError { _ = try CIFAR10(split: .train, directory: folder.url) }
        #expect(missing?.description.contains("data_batch_1.bin: no such file; unpack cifar-10") == true)
        let hundred = datasetError { _ = try CIFAR100(split: .test, directory: folder.url) }
        #expect(hundred?.description.contains("test.bin: no such file; unpack cifar-100") == true)
    }
}
