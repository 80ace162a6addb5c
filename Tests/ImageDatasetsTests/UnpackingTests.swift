import Foundation
import ImageDatasets
import TestSupport
import Testing

/// What a small file may unpack to: sizes are checked before anything is unpacked or allocated.
@Suite("Unpacked sizes", .tags(.data))
struct UnpackingTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    private func load(images: [UInt8], labels: [UInt8]) throws -> IDXImages {
        try IDXImages(
            images: folder.write(images, to: "images"), labels: folder.write(labels, to: "labels"))
    }

    @Test("more than a hundred times a gzip file's size is not unpacked, even if it is there")
    func ratio() throws {
        let count = 100_000
        let zeros = idxHeader(magic: 0x803, [UInt32(count), 28, 28]) + [UInt8](repeating: 0, count: count * 784)
        let labels = gzip(idxLabels([UInt8](repeating: 0, count: count)))
        let error = datasetError { _ = try load(images: gzip(zeros), labels: labels) }
        #expect(error?.code == .unreasonableSize)
        let reason = error?.reason ?? ""
        #expect(reason.contains("its header promises 78400016 bytes, more than 100 times its"))
        #expect(reason.contains("unpack it with gunzip"))
        #expect(try load(images: zeros, labels: labels).count == count)
    }

    @Test("small files may pack as well as they do")
    func small() throws {
        let count = 50_000
        let zeros = idxHeader(magic: 0x803, [UInt32(count), 4, 4]) + [UInt8](repeating: 0, count: count * 16)
        let packed = gzip(zeros)
        #expect(zeros.count > 500 * packed.count)
        #expect(try load(images: packed, labels: idxLabels([UInt8](repeating: 0, count: count))).count == count)
    }

    @Test("images are counted against the labels before they are unpacked")
    func counts() throws {
        // None of the images that are promised is there: reading any would find that out first.
        let images = gzip(idxHeader(magic: 0x803, [80_000, 28, 28]))
        let error = datasetError { _ = try load(images: images, labels: idxLabels([0, 1])) }
        #expect(error?.code == .inconsistentLabels && error?.description.contains("holds 80000 images") == true)
    }

    /// A file of any size that takes no room on the disk.
    private func sparse(_ name: String, size: Int, beginning bytes: [UInt8] = []) throws -> URL {
        let url = try folder.write(bytes, to: name)
        let handle = try FileHandle(forWritingTo: url)
        try handle.truncate(atOffset: UInt64(size))
        try handle.close()
        return url
    }

    @Test("a file larger than memory is refused by its size")
    func memory() throws {
        let rows = 1 << 16
        let count = Int(ProcessInfo.processInfo.physicalMemory) / (rows * rows) + 1
        let header = idxHeader(magic: 0x803, [UInt32(count), UInt32(rows), UInt32(rows)])
        let images = try sparse("sparse", size: header.count + count * rows * rows, beginning: header)
        let labels = try folder.write(idxLabels([UInt8](repeating: 0, count: count)), to: "labels")
        let error = datasetError { _ = try IDXImages(images: images, labels: labels) }
        #expect(error?.description.contains("of memory, more than the") == true, "\(String(describing: error))")
    }

    @Test("CIFAR's files have a largest count")
    func cifar() throws {
        let record = 2 + 3072
        _ = try sparse("train.bin", size: 1_000_001 * record)
        let error = datasetError { _ = try CIFAR100(split: .train, directory: folder.url) }
        #expect(error?.description.contains("1000001 records, more than the limit of 1000000") == true)
    }
}
