import Foundation
import ImageDatasets
import TestSupport
import Testing

@Suite("Data sets on the command line", .tags(.data))
struct SpecificationTests {
    @Test("the four forms are understood")
    func forms() throws {
        #expect(
            try DatasetSpecification(parsing: "fashion-mnist")
                == .fashionMNIST(directory: FashionMNIST.defaultDirectory))
        #expect(try DatasetSpecification(parsing: "fashion-mnist:/a:b").description == "fashion-mnist:/a:b")
        #expect(try DatasetSpecification(parsing: "cifar10:/data").description == "cifar10:/data")
        #expect(try DatasetSpecification(parsing: "cifar100:/data").description == "cifar100:/data")
        #expect(try DatasetSpecification(parsing: "idx:/a,/b").description == "idx:/a,/b")
        let home = FileManager.default.homeDirectoryForCurrentUser.path
        #expect(try DatasetSpecification(parsing: "cifar10:~/data").description == "cifar10:\(home)/data")
    }

    @Test(
        "anything else is an error in one line",
        arguments: [
            "", "mnist", "fashion-mnist:", "cifar10", "cifar10:", "cifar100", "idx", "idx:", "idx:a",
            "idx:a,",
            "idx:,b", "idx:a,b,c", "Fashion-MNIST", "fashion-mnist\n:x",
        ])
    func errors(text: String) {
        let error = datasetError { _ = try DatasetSpecification(parsing: text) }
        #expect(error?.description.hasPrefix("data set \'") == true)
    }

    @Test("a pair of IDX files is either split")
    func loads() throws {
        let folder = try TemporaryFolder()
        let images = try folder.write(idxImages(count: 2), to: "images")
        let labels = try folder.write(idxLabels([1, 0]), to: "labels")
        let specification = try DatasetSpecification(parsing: "idx:\(images.path),\(labels.path)")
        for split in DatasetSplit.allCases {
            let set = try specification.load(split: split)
            #expect(set.count == 2)
            #expect(set.labels == [1, 0])
        }
        let missing = try DatasetSpecification(parsing: "cifar10:\(folder.url.path)/nothing")
        #expect(datasetError { _ = try missing.load(split: .test) } != nil)
    }
}
