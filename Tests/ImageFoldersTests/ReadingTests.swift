import Foundation
import ImageDatasets
import ImageFolders
import NeuralGraph
import Synchronization
import TestSupport
import Testing

/// Pictures as a data set: on many threads, with and without those that cannot be read.
@Suite("Reading", .tags(.data))
struct ReadingTests {
    let folder: TemporaryFolder

    /// All fixtures, as two classes.
    init() throws {
        folder = try TemporaryFolder()
        for (index, name) in PictureFixtures.names.enumerated() {
            try folder.add("train/\(["even", "odd"][index % 2])/\(name)", copyOf: name)
        }
    }

    private func open(
        _ change: (inout ImageFolder.Configuration) -> Void = { _ in }
    ) throws(ImageFolderError) -> ImageFolder {
        var configuration = ImageFolder.Configuration(imageShape: [8, 8, 3], resizing: .cropped(shorterSide: 10))
        change(&configuration)
        return try ImageFolder(folder.url, configuration: configuration)
    }

    /// One epoch's inputs, one batch after the other.
    private func epoch(_ source: any ExampleSource) throws -> [Float] {
        let loader = try BatchLoader(source, batchSize: 7, order: .shuffled(seed: 3), augmentationSeed: 5)
        var values: [Float] = []
        while let batch = try loader.next() { values += Array(batch.inputs) }
        return values
    }

    /// The same examples as if they lay in memory, which reads them on one thread.
    private struct OneThread: ExampleSource {
        let source: any ExampleSource
        var count: Int { source.count }
        var exampleShape: TensorShape { source.exampleShape }
        func label(at index: Int) -> Int { source.label(at: index) }
        func write(_ index: Int, augmentationSeed: UInt64?, into target: inout MutableSpan<Float>) throws {
            try source.write(index, augmentationSeed: augmentationSeed, into: &target)
        }
    }

    @Test("many threads, one thread and the cache give the same to the bit")
    func threads() throws {
        let dataset = try open { $0.cachedBytes = 0 }
        let prepared = try PreparedImages(dataset, augmentation: .standard)
        #expect(prepared.isDecodedOnRead)
        let expected = try epoch(OneThread(source: prepared))
        #expect(expected.count == dataset.count * 192)
        #expect(try epoch(prepared) == expected)
        // Room for a few of the pictures, and for all of them; the second epoch comes from memory.
        for bytes in [1000, 1 << 20] {
            let cached = try PreparedImages(open { $0.cachedBytes = bytes }, augmentation: .standard)
            #expect(try epoch(cached) == expected)
            #expect(try epoch(cached) == expected)
        }
    }

    @Test("what is kept is not read again")
    func cache() throws {
        let dataset = try open()
        let whole = try (0..<dataset.count).map { try dataset.pixels(at: $0) }
        for name in ["even", "odd"] { try FileManager.default.removeItem(atPath: "\(folder.path)/train/\(name)") }
        #expect(try (0..<dataset.count).map { try dataset.pixels(at: $0) } == whole)
    }

    @Test("inputs are torchvision's, normalization included")
    func normalized() throws {
        let photo = try TemporaryFolder()
        for name in ["a", "b"] { try photo.add("train/\(name)/photo.jpg", copyOf: "photo.jpg") }
        let configuration = ImageFolder.Configuration(imageShape: [12, 12, 3], resizing: .cropped(shorterSide: 16))
        let dataset = try ImageFolder(photo.url, configuration: configuration)
        let inputs = try PreparedImages(dataset).tensor(at: [0]).inputs.elements
        let expected = try PictureFixtures.expected("photo.normalized").elements
        let difference = zip(inputs, expected).map { abs($0 - $1) }.max() ?? .infinity
        // Two of 255 steps, divided by the smallest deviation.
        #expect(inputs.count == expected.count && difference <= 2 / 255 / 0.224)
    }

    @Test("pictures that cannot be read are refused, all of them named or counted")
    func refused() throws {
        try folder.add("train/even/0-empty.png", [])
        do {
            _ = try open()
            Issue.record("accepted")
        } catch {
            #expect(
                error
                    == .unreadablePictures(
                        path: folder.path + "/train", [.empty(path: folder.path + "/train/even/0-empty.png")]))
            #expect("\(error)".hasSuffix("0-empty.png: is empty; replace or remove it, or skip unreadable pictures"))
        }
        try folder.add("train/odd/1.jpg", Array("GIF89a".utf8))
        do {
            _ = try open()
            Issue.record("accepted")
        } catch {
            #expect("\(error)".contains("0-empty.png: is empty, and 1 more picture in"))
        }
    }

    @Test("skipped pictures are listed, and the others keep their order")
    func skipped() throws {
        let whole = try open()
        let pixels = try (0..<whole.count).map { try whole.pixels(at: $0) }
        let cutShort = Array(try PictureFixtures.bytes("photo.jpg").dropLast(900))
        let bad = [
            try folder.add("train/even/0-empty.png", []), try folder.add("train/even/h.jpg", cutShort),
            try folder.add("train/odd/bomb.png", PictureFixtures.bytes("bomb.png")),
            try folder.add("train/odd/damaged.png", PictureFixtures.bytes("damaged.png")),
        ]
        for cachedBytes in [0, 1 << 20] {
            let dataset = try open {
                $0.unreadable = .skip
                $0.cachedBytes = cachedBytes
            }
            #expect(dataset.skipped.map(\.path) == bad)
            #expect(dataset.skipped[1] == .truncated(path: bad[1]))
            #expect(dataset.labels == whole.labels)
            #expect(try (0..<dataset.count).map { try dataset.pixels(at: $0) } == pixels)
        }
    }

    @Test("a class of which nothing is left")
    func nothingLeft() throws {
        try folder.add("train/third/1.png", [])
        do {
            _ = try open { $0.unreadable = .skip }
            Issue.record("accepted")
        } catch {
            #expect("\(error)".contains("train/third: none of its pictures can be read"))
        }
    }

    @Test("what is wrong behind the header shows when it is read, and always the first of a batch", arguments: 0..<5)
    func late(run: Int) throws {
        let cutShort = Array(try PictureFixtures.bytes("photo.jpg").dropLast(900))
        for name in ["b.jpg", "c.jpg", "d.jpg"] { try folder.add("train/even/\(name)", cutShort) }
        let loader = try BatchLoader(PreparedImages(open()), batchSize: 64)
        #expect(throws: PictureError.truncated(path: folder.path + "/train/even/b.jpg")) {
            while try loader.next() != nil {}
        }
    }

    @Test("no more threads look for damaged pictures than are asked for", arguments: [1, 2])
    func workers(_ workers: Int) throws {
        let now = Mutex(0)
        let most = Mutex(0)
        let paths = (0..<40).map { "\($0)" }
        let team = ThreadTeam(workers: workers)
        let failures = PictureReader.failures(of: paths, team) { position, path throws(PictureError) in
            let together = now.withLock { count in
                count += 1
                return count
            }
            most.withLock { $0 = max($0, together) }
            Thread.sleep(forTimeInterval: 0.001)
            now.withLock { $0 -= 1 }
            if position % 7 == 3 { throw .empty(path: path) }
        }
        #expect(failures.map(\.position) == [3, 10, 17, 24, 31, 38])
        #expect(most.withLock { $0 } == workers)
        // What a folder has does not depend on them.
        let names = try open { $0.workers = workers }.labels
        #expect(try names == open().labels)
    }

    @Test("a header behind a large preview")
    func largePreview() throws {
        let bytes = try PictureFixtures.bytes("photo.jpg")
        let block: [UInt8] = [0xff, 0xe2, 0xff, 0xff] + [UInt8](repeating: 7, count: 0xffff - 2)
        let large = Array(bytes[..<2]) + block + block + Array(bytes[2...])
        try folder.add("train/even/large.jpg", large)
        #expect(try open().count == PictureFixtures.names.count + 1)
    }
}
