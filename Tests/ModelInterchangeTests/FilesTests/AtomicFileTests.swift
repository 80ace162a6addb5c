import Foundation
import ModelInterchange
import Testing

@Suite struct AtomicFileTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test func writesAndReplaces() throws {
        let url = folder.file("report.json")
        try AtomicFile.write(Data("first, and longer".utf8), to: url)
        try AtomicFile.write(Data("second".utf8), to: url)
        #expect(try String(contentsOf: url, encoding: .utf8) == "second")
        #expect(try folder.content == ["report.json"])
    }

    @Test func nothingIsThereBeforeTheEnd() throws {
        let url = folder.file("report.json")
        try AtomicFile.write(Data("old".utf8), to: url)
        do {
            let file = try AtomicFile(replacing: url)
            try file.append([UInt8](repeating: 1, count: 100_000))
            #expect(try String(contentsOf: url, encoding: .utf8) == "old")
        }
        #expect(try String(contentsOf: url, encoding: .utf8) == "old")
        #expect(try folder.content == ["report.json"])
    }

    @Test func finishedFilesTakeNoMore() throws {
        let file = try AtomicFile(replacing: folder.file("a"))
        try file.commit()
        #expect(throws: FileError.self) { try file.append([UInt8(1)]) }
        #expect(throws: FileError.self) { try file.commit() }
        #expect(try folder.content == ["a"])
    }

    @Test func followsSymbolicLinks() throws {
        let (target, link) = (folder.file("target"), folder.file("link"))
        try Data("old".utf8).write(to: target)
        try FileManager.default.createSymbolicLink(at: link, withDestinationURL: target)
        try AtomicFile.write(Data("new".utf8), to: link)
        #expect(try String(contentsOf: target, encoding: .utf8) == "new")
        #expect(try folder.content == ["link", "target"])
    }

    @Test func longNamesFit() throws {
        let name = String(repeating: "n", count: 255)
        try AtomicFile.write(Data("x".utf8), to: folder.file(name))
        #expect(try folder.content == [name])
    }

    /// The tests may run as root, whom permissions do not stop: these places refuse everybody.
    @Test func refusesPlacesThatCannotHoldAFile() throws {
        try Data("x".utf8).write(to: folder.file("plain"))
        let path = folder.url.path
        let cases = [
            (folder.file("missing/a"), "the folder \(path)/missing does not exist; create it first"),
            (folder.file("plain/a"), "\(path)/plain is not a folder; give a path inside one"),
            (folder.url, "is a folder; give the name of a file in it"),
            (URL(filePath: "/dev/null"), "is not a regular file and is not replaced; give another name"),
        ]
        for (url, message) in cases {
            for attempt in [AtomicFile.checkDestination, { url in try AtomicFile.write(Data(), to: url) }] {
                let error = #expect(throws: FileError.self) { try attempt(url) }
                #expect(error?.message == message)
            }
        }
        #expect(throws: FileError.self) {
            try AtomicFile.checkDestination(folder.file(String(repeating: "n", count: 300)))
            try AtomicFile.write(Data(), to: folder.file(String(repeating: "n", count: 300)))
        }
        let remote = try #require(URL(string: "https://example.org/a"))
        #expect(throws: FileError.self) { try AtomicFile.checkDestination(remote) }
        #expect(try folder.content == ["plain"])
    }

    @Test func checkingLeavesNothing() throws {
        try AtomicFile.checkDestination(folder.file("a"))
        #expect(try folder.content.isEmpty)
    }
}
