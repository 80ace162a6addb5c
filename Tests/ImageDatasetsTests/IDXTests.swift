import Foundation
import ImageDatasets
import NeuralGraph
import TestSupport
import Testing

@Suite("IDX files", .tags(.data))
struct IDXTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func load(
        images: [UInt8], labels: [UInt8], classNames: [String]? = nil
    ) throws -> IDXImages {
        try IDXImages(
            images: folder.write(images, to: "images"), labels: folder.write(labels, to: "labels"),
            classNames: classNames)
    }

    @Test("plain, packed and mixed files give the same images", arguments: [false, true], [false, true])
    func reads(packsImages: Bool, packsLabels: Bool) throws {
        let images = idxImages(count: 3)
        let labels = idxLabels([2, 0, 1])
        let set = try load(
            images: packsImages ? gzip(images) : images, labels: packsLabels ? gzip(labels) : labels)
        #expect(set.count == 3)
        #expect(set.imageShape == [2, 3, 1])
        #expect(set.labels == [2, 0, 1])
        #expect(set.classNames == ["0", "1", "2"])
        #expect(try set.pixels(at: 1) == [6, 7, 8, 9, 10, 11])
        #expect(set.classCounts == [1, 1, 1])
        #expect(set.name == "images")
    }

    @Test("images with channels are read channels last")
    func color() throws {
        let images = idxHeader(magic: 0x804, [1, 1, 2, 3]) + [1, 2, 3, 4, 5, 6]
        let set = try load(images: images, labels: idxLabels([0]))
        #expect(set.imageShape == [1, 2, 3])
        #expect(try set.pixels(at: 0) == [1, 2, 3, 4, 5, 6])
    }

    @Test("the normalization is measured if none is given")
    func measures() throws {
        let images = idxHeader(magic: 0x803, [2, 1, 2]) + [0, 255, 255, 255]
        let set = try load(images: images, labels: idxLabels([0, 0]))
        #expect(abs(set.normalization.mean[0] - 0.75) < 1e-6)
        #expect(abs(set.normalization.standardDeviation[0] - 0.4330127) < 1e-6)
        let flat = try load(
            images: idxHeader(magic: 0x803, [1, 1, 2]) + [51, 51], labels: idxLabels([0]))
        #expect(flat.normalization.standardDeviation == [1])
    }

    @Test("a file cut short at any length is an error, packed or not", arguments: [false, true])
    func truncated(isPacked: Bool) throws {
        let images = isPacked ? gzip(idxImages(count: 2)) : idxImages(count: 2)
        let labels = isPacked ? gzip(idxLabels([0, 1])) : idxLabels([0, 1])
        for length in 0..<images.count {
            let error = datasetError { _ = try load(images: Array(images[..<length]), labels: labels) }
            #expect(error != nil, "\(length) bytes of images")
        }
        for length in 0..<labels.count {
            let error = datasetError { _ = try load(images: images, labels: Array(labels[..<length])) }
            #expect(error != nil, "\(length) bytes of labels")
        }
        #expect(datasetError { _ = try load(images: images, labels: labels) } == nil)
    }

    @Test("a damaged byte of a packed file is an error or does not matter", .tags(.slow), .slow)
    func damaged() throws {
        let images = gzip(idxImages(count: 2))
        let expected = try load(images: images, labels: idxLabels([0, 1]))
        for position in images.indices {
            for bit in 0..<8 {
                var copy = images
                copy[position] ^= 1 << bit
                do {
                    let set = try load(images: copy, labels: idxLabels([0, 1]))
                    #expect(set.packed.pixels == expected.packed.pixels)
                } catch {
                    #expect(error is DatasetError)
                }
            }
        }
    }

    @Test("bytes after the end are an error, packed or not")
    func trailing() throws {
        let images = idxImages(count: 2)
        let path = folder.url.appendingPathComponent("images").path
        for extra in [images + [0], gzip(images + [0])] {
            let error = datasetError { _ = try load(images: extra, labels: idxLabels([0, 1])) }
            #expect(error == .trailingBytes(path: path, expected: images.count))
        }
        let error = datasetError {
            _ = try load(images: gzip(images) + [1, 2, 3], labels: idxLabels([0, 1]))
        }
        #expect(error?.description.contains("is damaged gzip") == true)
    }

    @Test("gzip members one after the other are one file")
    func members() throws {
        let images = idxImages(count: 2)
        let set = try load(
            images: gzip(Array(images[..<7])) + gzip([]) + gzip(Array(images[7...])),
            labels: idxLabels([0, 1]))
        #expect(try set.pixels(at: 1) == [6, 7, 8, 9, 10, 11])
    }

    @Test("a packed file that unpacks to more than it promises is not unpacked further")
    func bomb() throws {
        let zeros = [UInt8](repeating: 0, count: 50_000_000)
        let error = datasetError {
            _ = try load(images: gzip(idxImages(count: 1) + zeros), labels: idxLabels([0]))
        }
        #expect(error?.description.contains("goes on after") == true)
    }

    @Test(
        "sizes beyond the file are an error before anything is allocated",
        arguments: [
            [UInt32.max, 65536, 65536], [2_000_000_000, 28, 28], [1, 0, 3], [1, 65537, 1],
            [UInt32.max, 1, 1],
        ] as [[UInt32]], [false, true])
    func unreasonable(sizes: [UInt32], isPacked: Bool) throws {
        let bytes = idxHeader(magic: 0x803, sizes) + [0, 0, 0]
        let error = datasetError {
            _ = try load(images: isPacked ? gzip(bytes) : bytes, labels: idxLabels([0]))
        }
        switch error?.code {
        case .unreasonableSize: break
        case .truncated: #expect(!isPacked)
        default: Issue.record("\(String(describing: error))")
        }
    }

    @Test("a product that overflows is an error")
    func overflow() {
        let error = datasetError { _ = try checkedProduct([1 << 32, 1 << 16, 1 << 16], path: "x") }
        #expect(error?.code == .unreasonableSize)
    }

    @Test("wrong magic numbers say what the file is")
    func magic() throws {
        let swapped = datasetError { _ = try load(images: idxLabels([0]), labels: idxLabels([0])) }
        #expect(
            swapped?.description.contains("0x00000801 instead of 0x00000803; this is a label file") == true)
        let reverse = datasetError { _ = try load(images: idxImages(count: 1), labels: idxImages(count: 1)) }
        #expect(reverse?.description.contains("this is an image file") == true)
        let floats = datasetError {
            _ = try load(images: idxHeader(magic: 0xd03, [1, 1, 1]) + [0, 0, 0, 0], labels: idxLabels([0]))
        }
        #expect(floats?.description.contains("element type") == true)
        let text = datasetError { _ = try load(images: Array("hello, world".utf8), labels: idxLabels([0])) }
        #expect(text?.description.contains("0x68656c6c") == true)
    }

    @Test("counts, labels and names must fit together")
    func mismatch() throws {
        let count = datasetError { _ = try load(images: idxImages(count: 2), labels: idxLabels([0])) }
        #expect(count?.description.contains("holds 2 images") == true)
        let label = datasetError {
            _ = try load(images: idxImages(count: 2), labels: idxLabels([0, 2]), classNames: ["a", "b"])
        }
        #expect(
            label
                == .labelOutOfRange(
                    path: folder.url.appendingPathComponent("labels").path, index: 1, label: 2, classes: 2))
        let empty = datasetError { _ = try load(images: idxImages(count: 0), labels: idxLabels([])) }
        #expect(empty?.code == .noImages)
    }

    @Test("missing files, folders and odd file names end in one line")
    func access() throws {
        let labels = try folder.write(idxLabels([0]), to: "labels")
        let missing = datasetError {
            _ = try IDXImages(images: folder.url.appendingPathComponent("no\nfile"), labels: labels)
        }
        #expect(missing?.description.contains("no?file: no such file") == true)
        let directory = datasetError { _ = try IDXImages(images: folder.url, labels: labels) }
        #expect(directory?.description.contains("it is a folder") == true)
        let beyond = datasetError {
            _ = try IDXImages(images: labels.appendingPathComponent("x"), labels: labels)
        }
        #expect(beyond?.code == .missingFile)
        let device = datasetError {
            _ = try IDXImages(images: URL(fileURLWithPath: "/dev/zero"), labels: labels)
        }
        #expect(device?.description.contains("not a regular file") == true)
    }
}
