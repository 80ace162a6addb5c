import Foundation
import ImageDatasets
import ImageFolders
import NeuralGraph
import TestSupport
import Testing

/// Pictures of formats that are not read are never left out without a word.
@Suite("Formats that are not read", .tags(.data))
struct OtherFormatTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    private func open(classNames: [String]? = nil) throws(ImageFolderError) -> ImageFolder {
        try ImageFolder(
            folder.url, classNames: classNames, configuration: ImageFolder.Configuration(imageShape: [4, 4, 3]))
    }

    private func addClasses() throws {
        for name in ["train/a/1.png", "train/b/1.png", "test/a/1.png"] { try folder.add(name, copyOf: "gray1.png") }
    }

    @Test("they are counted by format, and named")
    func counted() throws {
        try addClasses()
        for name in [
            "a/2.tif", "a/3.TIFF", "b/deep/4.tiff", "b/5.heic", "a/6.svg", "a/7.jp2", "a/8.ico", "a/notes.txt",
        ] {
            try folder.add("train/\(name)", Array("something".utf8))
        }
        let dataset = try open()
        #expect(dataset.count == 2)
        #expect(dataset.unread.map(\.format).sorted() == ["HEIC", "ICO", "JPEG 2000", "SVG", "TIFF"])
        let tiff = try #require(dataset.unread.first { $0.format == "TIFF" })
        #expect(tiff.count == 3)
        #expect(tiff.first.path == "\(folder.path)/train/a/2.tif")
        #expect(try ImageFolder(folder.url, split: .test, classNames: ["a", "b"]).unread.isEmpty)
    }

    @Test("a class, or a data set, of nothing else is an error that says so")
    func nothingElse() throws {
        try addClasses()
        try folder.add("train/c/1.heic", [0])
        try folder.add("train/c/2.heic", [0])
        try folder.add("train/c/3.tif", [0])
        func message(_ names: [String]?) -> String {
            do throws(ImageFolderError) {
                return "no error: \(try open(classNames: names).count)"
            } catch {
                return error.description
            }
        }
        #expect(
            message(nil)
                == "\(folder.path)/train/c: holds no PNG, JPEG, WebP, GIF or BMP picture, but 2 HEIC pictures and 1 TIFF "
                + "picture, which are not read, the first 1.heic; convert them to PNG or JPEG")
        for name in ["a", "b"] { try FileManager.default.removeItem(atPath: "\(folder.path)/train/\(name)/1.png") }
        #expect(message(["a", "b", "c"]).contains("train: holds no PNG, JPEG, WebP, GIF or BMP picture, but 2 HEIC"))
    }

    @Test("content comes before the name")
    func content() throws {
        try addClasses()
        try folder.add("train/a/scan.tif", copyOf: "color8.png")
        try folder.add("train/a/nameless", copyOf: "palette.gif")
        try folder.add("train/a/raw", copyOf: "bits16-own.bmp")
        try folder.add("train/b/photo.dat", copyOf: "lossy.webp")
        #expect(try open().classCounts == [4, 2])
        #expect(try open().unread.isEmpty)
        try folder.add("train/b/wrong.webp", Array("no picture".utf8))
        do {
            _ = try open()
            Issue.record("accepted")
        } catch {
            #expect(error.description.contains("wrong.webp: is no PNG, JPEG, WebP, GIF or BMP picture"))
        }
    }
}
