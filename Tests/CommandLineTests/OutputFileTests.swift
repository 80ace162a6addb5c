import Foundation
import TestSupport
import Testing

/// What becomes of the files that outputs replace, and of those that a killed run leaves.
@Suite("Output files", .tags(.commandLine))
struct OutputFileTests {
    let materials: Materials
    let folder: TemporaryFolder

    init() throws {
        materials = try Materials.shared.get()
        folder = try TemporaryFolder()
    }

    private func convert(to path: String) throws -> Program.Ending {
        try Program.run(["convert", materials.model, path])
    }

    private func mode(_ path: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    }

    @Test("a private file stays private, and a read-only one stays", arguments: [(0o600, Int32(0)), (0o444, 1)])
    func permissions(mode: Int, status: Int32) throws {
        let path = folder.path("model.onnx")
        try Data("old".utf8).write(to: URL(fileURLWithPath: path))
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        let ending = try convert(to: path)
        #expect(ending.status == status, "\(ending.errors)")
        #expect(try self.mode(path) == mode)
        #expect(try (Data(contentsOf: URL(fileURLWithPath: path)) == Data("old".utf8)) == (status == 1))
        if status == 1 { #expect(ending.errors.contains("\(path): is read-only and is not replaced")) }
    }

    @Test("a name that ends in a slash is a folder's")
    func slash() throws {
        let ending = try convert(to: folder.path("new") + "/")
        #expect(ending.status == 1)
        #expect(ending.errors.contains("is a folder; give the name of a file in it"), "\(ending.errors)")
        #expect(folder.isEmpty)
    }

    @Test("a link to a file that is not there yet is followed")
    func danglingLink() throws {
        let link = folder.path("link.onnx")
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "target.onnx")
        #expect(try convert(to: link).status == 0)
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == "target.onnx")
        #expect(FileManager.default.fileExists(atPath: folder.path("target.onnx")))
    }

    @Test("what a killed run left goes with the next")
    func killed() throws {
        let left = folder.path(".12345-3w5e11264sgsf.partial")
        try Data("half".utf8).write(to: URL(fileURLWithPath: left))
        #expect(try convert(to: folder.path("model.onnx")).status == 0)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path) == ["model.onnx"])
    }
}
