import Foundation
import ModelFiles
import TestSupport
import Testing

@Suite("Atomic file", .tags(.files)) struct AtomicFileTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test("writes and replaces") func writesAndReplaces() throws {
        let url = folder.file("report.json")
        try AtomicFile.write(Data("first, and longer".utf8), to: url)
        try AtomicFile.write(Data("second".utf8), to: url)
        #expect(try String(contentsOf: url, encoding: .utf8) == "second")
        #expect(try folder.content == ["report.json"])
    }

    @Test("nothing is there before the end") func nothingIsThereBeforeTheEnd() throws {
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

    @Test("finished files take no more") func finishedFilesTakeNoMore() throws {
        let file = try AtomicFile(replacing: folder.file("a"))
        try file.commit()
        #expect(throws: FileError.self) { try file.append([UInt8(1)]) }
        #expect(throws: FileError.self) { try file.commit() }
        #expect(try folder.content == ["a"])
    }

    @Test("follows symbolic links") func followsSymbolicLinks() throws {
        let (target, link) = (folder.file("target"), folder.file("link"))
        try Data("old".utf8).write(to: target)
        try FileManager.default.createSymbolicLink(at: link, withDestinationURL: target)
        try AtomicFile.write(Data("new".utf8), to: link)
        #expect(try String(contentsOf: target, encoding: .utf8) == "new")
        #expect(try folder.content == ["link", "target"])
    }

    @Test("long names fit") func longNamesFit() throws {
        let name = String(repeating: "n", count: 255)
        try AtomicFile.write(Data("x".utf8), to: folder.file(name))
        #expect(try folder.content == [name])
    }

    /// The tests may run as root, whom permissions do not stop: these places refuse everybody.
    @Test("refuses places that cannot hold a file") func refusesPlacesThatCannotHoldAFile() throws {
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

    private func mode(_ url: URL) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: url.path)[.posixPermissions] as? Int
    }

    @Test("permissions stay", arguments: [0o600, 0o640, 0o664, 0o755]) func permissionsStay(_ mode: Int) throws {
        let url = folder.file("model")
        try Data("old".utf8).write(to: url)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: url.path)
        try AtomicFile.write(Data("new".utf8), to: url)
        #expect(try self.mode(url) == mode)
        #expect(try String(contentsOf: url, encoding: .utf8) == "new")
    }

    @Test("new files have the masks permissions") func newFilesHaveTheMasksPermissions() throws {
        let (url, other) = (folder.file("new"), folder.file("other"))
        try AtomicFile.write(Data("x".utf8), to: url)
        let file = try #require(fopen(other.path, "w"))
        fclose(file)
        #expect(try mode(url) == mode(other))
    }

    @Test("read only files are kept", arguments: [0o444, 0o400, 0o555]) func readOnlyFilesAreKept(_ mode: Int) throws {
        let url = folder.file("model")
        try Data("precious".utf8).write(to: url)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: url.path)
        for attempt in [AtomicFile.checkDestination, { url in try AtomicFile.write(Data(), to: url) }] {
            let error = #expect(throws: FileError.self) { try attempt(url) }
            #expect(error?.message.hasPrefix("is read-only and is not replaced") == true)
        }
        #expect(try String(contentsOf: url, encoding: .utf8) == "precious")
        #expect(try folder.content == ["model"])
    }

    @Test("dangling links lead to their file") func danglingLinksLeadToTheirFile() throws {
        for (link, target) in [("relative", "target"), ("absolute", folder.file("other").path)] {
            try FileManager.default.createSymbolicLink(atPath: folder.file(link).path, withDestinationPath: target)
            try AtomicFile.write(Data(link.utf8), to: folder.file(link))
            #expect(try FileManager.default.destinationOfSymbolicLink(atPath: folder.file(link).path) == target)
        }
        #expect(try String(contentsOf: folder.file("target"), encoding: .utf8) == "relative")
        #expect(try String(contentsOf: folder.file("other"), encoding: .utf8) == "absolute")
        #expect(try folder.content == ["absolute", "other", "relative", "target"])
    }

    @Test("links that lead nowhere are named") func linksThatLeadNowhereAreNamed() throws {
        for (link, target) in [("out", "missing/a"), ("there", "back"), ("back", "there")] {
            try FileManager.default.createSymbolicLink(atPath: folder.file(link).path, withDestinationPath: target)
        }
        let missing = #expect(throws: FileError.self) { try AtomicFile.checkDestination(folder.file("out")) }
        #expect(missing?.message == "the folder \(folder.url.path)/missing does not exist; create it first")
        let loop = #expect(throws: FileError.self) { try AtomicFile.checkDestination(folder.file("there")) }
        #expect(loop?.message == "is a symbolic link that leads back to itself; give another name")
    }

    @Test("names that end in a slash are folders") func namesThatEndInASlashAreFolders() throws {
        let url = URL(fileURLWithPath: folder.url.path + "/new/")
        let error = #expect(throws: FileError.self) { try AtomicFile.write(Data(), to: url) }
        #expect(error?.message == "is a folder; give the name of a file in it")
        #expect(try folder.content.isEmpty)
    }

    /// A lock goes with the program that has it, however it ends, so a file without one is a killed program's.
    @Test("what killed programs left is removed") func whatKilledProgramsLeftIsRemoved() throws {
        let left = [".1-abc.partial", ".\(getpid())-1y2p0ij32e8e7.partial"]
        // Names that are not ours, and a file that a program goes on writing.
        let kept = [
            ".1-abc.partial.txt", "1-abc.partial", ".x-abc.partial", ".1-a-b.partial", ".partial", ".1-.partial",
        ]
        for name in left + kept + [".1-live.partial"] { try Data("x".utf8).write(to: folder.file(name)) }
        let descriptor = open(folder.file(".1-live.partial").path, O_RDONLY)
        #expect(flock(descriptor, LOCK_EX | LOCK_NB) == 0)
        try AtomicFile.write(Data("new".utf8), to: folder.file("model"))
        #expect(try folder.content == (kept + [".1-live.partial", "model"]).sorted())
        close(descriptor)
        try AtomicFile.checkDestination(folder.file("model"))
        #expect(try folder.content == (kept + ["model"]).sorted())
    }

    @Test("files that are being written stay") func filesThatAreBeingWrittenStay() throws {
        let first = try AtomicFile(replacing: folder.file("first"))
        try first.append([UInt8](repeating: 1, count: 10))
        try AtomicFile.write(Data("x".utf8), to: folder.file("second"))
        try first.commit()
        #expect(try folder.content == ["first", "second"])
    }

    @Test("checking leaves nothing") func checkingLeavesNothing() throws {
        try AtomicFile.checkDestination(folder.file("a"))
        #expect(try folder.content.isEmpty)
    }
}
