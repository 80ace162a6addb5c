import Foundation
import ImageDatasets
import ImageFolders
import NeuralGraph
import TestSupport
import Testing

/// Which files make a data set, in which order, and what is wrong with folders that make none.
@Suite("Folders", .tags(.data))
struct FolderTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    private func open(
        split: DatasetSplit = .train, classNames: [String]? = nil
    ) throws(ImageFolderError) -> ImageFolder {
        var configuration = ImageFolder.Configuration(imageShape: [4, 4, 3])
        configuration.testShare = 0.3
        return try ImageFolder(folder.url, split: split, classNames: classNames, configuration: configuration)
    }

    /// The message of the error that opening ends in.
    private func message(split: DatasetSplit = .train, classNames: [String]? = nil) -> String {
        do throws(ImageFolderError) {
            _ = try open(split: split, classNames: classNames)
            return "no error"
        } catch {
            return error.description
        }
    }

    private func addPictures(_ names: [String]) throws {
        for name in names { try folder.add(name, copyOf: "gray1.png") }
    }

    private func names(_ dataset: ImageFolder) -> [String] {
        let base = folder.path + "/"
        return (0..<dataset.count).map { String(dataset.file(at: $0).path.dropFirst(base.count)) }
    }

    @Test("order is by bytes: classes, folders, files")
    func order() throws {
        try addPictures([
            "train/b/2.png", "train/b/10.png", "train/b/a/1.png", "train/b/a-b/1.png", "train/Z/x.PNG", "train/ä/x",
            "train/b/z.png", "train/b/a/c/1.png", "train/b/a/b.png", "test/b/1.png",
        ])
        try folder.add("train/b/notes.txt", Array("nothing".utf8))
        try folder.add("train/b/.hidden.png", [])
        try folder.add("train/.git/x.png", [])
        let dataset = try open()
        #expect(dataset.classNames == ["Z", "b", "ä"])
        #expect(
            names(dataset)
                == [
                    "train/Z/x.PNG", "train/b/10.png", "train/b/2.png", "train/b/z.png", "train/b/a/1.png",
                    "train/b/a/b.png", "train/b/a-b/1.png", "train/b/a/c/1.png", "train/ä/x",
                ].sorted { left, right in
                    // As Python sorts pairs of folder and name.
                    let (l, r) = (left.split(separator: "/"), right.split(separator: "/"))
                    let (lf, rf) = (l.dropLast().joined(separator: "/"), r.dropLast().joined(separator: "/"))
                    return (lf, String(l[l.count - 1])) < (rf, String(r[r.count - 1]))
                })
        #expect(dataset.labels == [0, 1, 1, 1, 1, 1, 1, 1, 2])
        #expect(dataset.name == "\(folder.url.lastPathComponent) (train)")
    }

    @Test("train beside test, val, valid or validation", arguments: ["test", "val", "valid", "validation"])
    func splits(test: String) throws {
        try addPictures(["train/a/1.png", "train/b/1.png", "\(test)/a/2.png", "\(test)/b/2.png"])
        #expect(names(try open()) == ["train/a/1.png", "train/b/1.png"])
        #expect(names(try open(split: .test)) == ["\(test)/a/2.png", "\(test)/b/2.png"])
    }

    @Test("test comes before val, and its classes are the training's")
    func testAndVal() throws {
        try addPictures(["train/a/1.png", "train/b/1.png", "val/a/2.png", "test/b/3.png"])
        let test = try open(split: .test)
        #expect(names(test) == ["test/b/3.png"])
        #expect(test.labels == [1])
        #expect(test.classNames == ["a", "b"])
    }

    @Test("train alone has no test")
    func trainAlone() throws {
        try addPictures(["train/a/1.png", "train/b/1.png"])
        #expect(try open().count == 2)
        #expect(message(split: .test).contains("no folder test or val beside train"))
    }

    @Test("a class may be called train")
    func trainAsClass() throws {
        try addPictures((0..<4).flatMap { ["train/\($0).png", "plane/\($0).png"] })
        #expect(try open().classNames == ["plane", "train"])
    }

    @Test("a split by chance is the same every time, and files that come move no other")
    func chance() throws {
        try addPictures((0..<40).flatMap { ["a/\($0).png", "b/\($0).png"] })
        let (train, test) = (names(try open()), names(try open(split: .test)))
        #expect(Set(train).isDisjoint(with: test))
        #expect(train.count + test.count == 80)
        #expect((12...36).contains(test.count))
        // Written down, since it has to be the same on every machine.
        #expect(test.prefix(4) == ["a/0.png", "a/13.png", "a/15.png", "a/19.png"])
        try addPictures(["a/new.png", "b/c/new.png"])
        #expect(Set(names(try open())).isSuperset(of: train))
        #expect(Set(names(try open(split: .test))).isSuperset(of: test))
    }

    @Test("of two pictures one goes to each side, and one alone cannot be split")
    func fewPictures() throws {
        try addPictures(["a/1.png", "a/2.png", "b/1.png", "b/2.png", "c/1.png", "c/2.png"])
        #expect(try open().classCounts == [1, 1, 1])
        #expect(try open(split: .test).classCounts == [1, 1, 1])
        try addPictures(["d/1.png"])
        #expect(message().contains("d: holds 1 picture, too few to keep some for the test"))
    }

    @Test("folders that are none, or have no pictures")
    func emptyFolders() throws {
        #expect(message().contains("has no subfolders; put each class's pictures"))
        try folder.add("a/notes.txt", Array("nothing".utf8))
        #expect(message().contains("has only the class 'a'"))
        try addPictures(["b/1.png", "b/2.png"])
        #expect(message().contains("/a: holds no PNG, JPEG, WebP, GIF or BMP picture among 1 files"))
        #expect(message(classNames: ["a"]).contains("there is no class 'b'; the classes are: 'a'"))
        let file = try folder.add("file", [1])
        for (path, text) in [(file, "is not a folder"), (folder.path + "/none", "no such folder")] {
            #expect(throws: ImageFolderError.self) { try ImageFolder(URL(fileURLWithPath: path)) }
            do { _ = try ImageFolder(URL(fileURLWithPath: path)) } catch { #expect("\(error)".contains(text)) }
        }
    }

    @Test("a model's classes: others are refused, missing ones have no pictures")
    func knownClasses() throws {
        try addPictures(["train/a/1.png", "train/c/1.png", "test/a/1.png", "test/d/1.png"])
        let dataset = try open(classNames: ["c", "b", "a"])
        #expect(dataset.labels == [2, 0])
        #expect(dataset.classCounts == [1, 0, 1])
        #expect(message(classNames: ["a", "b"]).contains("train: there is no class 'c'; the classes are: 'a', 'b'"))
        #expect(message(split: .test).contains("test: there is no class 'd'; the classes are: 'a', 'c'"))
        #expect(message(split: .test, classNames: ["x", "y"]).contains("there are no classes 'a', 'd'"))
        for name in ["a", "c"] { try FileManager.default.removeItem(atPath: "\(folder.path)/train/\(name)/1.png") }
        #expect(
            message(classNames: ["a", "b", "c"]).contains(
                "train: holds no PNG, JPEG, WebP, GIF or BMP picture of any class"))
    }

    @Test("links: to folders elsewhere they are followed, in a loop they are refused")
    func links() throws {
        try addPictures(["train/a/1.png", "train/b/1.png", "test/a/1.png"])
        let elsewhere = try TemporaryFolder()
        try elsewhere.add("2.png", copyOf: "gray1.png")
        try folder.link("train/a/more", to: elsewhere.path)
        #expect(names(try open()) == ["train/a/1.png", "train/a/more/2.png", "train/b/1.png"])
        try elsewhere.link("back", to: elsewhere.path)
        #expect(message().contains("train/a/more/back: leads to \(folder.path)/train/a/more, which is read already"))
        try FileManager.default.removeItem(atPath: elsewhere.path + "/back")
        try folder.link("train/b/up", to: "..")
        #expect(message().contains("train/b/up: leads to \(folder.path)/train, which is read already"))
        try FileManager.default.removeItem(atPath: folder.path + "/train/b/up")
        try folder.link("train/b/self.png", to: "self.png")
        #expect(message().contains("train/b/self.png: cannot be read (Too many"))
    }

    @Test("folders beyond every depth")
    func depth() throws {
        try addPictures(["a/1.png", "b/\((0..<70).map(String.init).joined(separator: "/"))/1.png"])
        #expect(message().contains("lies more than 64 folders deep"))
    }

    @Test("a folder that cannot be listed", .enabled(if: geteuid() != 0))
    func rights() throws {
        try addPictures(["a/1.png", "b/1.png"])
        chmod(folder.path + "/a", 0)
        defer { chmod(folder.path + "/a", 0o700) }
        #expect(message().contains("/a: cannot be listed (Permission denied)"))
    }

    @Test("settings that are not possible")
    func settings() throws {
        try addPictures(["a/1.png", "b/1.png"])
        func message(_ change: (inout ImageFolder.Configuration) -> Void) -> String {
            var configuration = ImageFolder.Configuration(imageShape: [4, 4, 3])
            change(&configuration)
            do {
                _ = try ImageFolder(folder.url, configuration: configuration)
                return "no error"
            } catch {
                return "\(error)"
            }
        }
        #expect(message { $0.imageShape = [4, 4, 2] }.contains("picture shape"))
        #expect(message { $0.imageShape = [0, 4, 3] }.contains("picture shape"))
        #expect(message { $0.imageShape = [4, 4] }.contains("picture shape"))
        #expect(message { $0.resizing = .cropped(shorterSide: 3) }.contains("4x4 pixels are cut out of it; give 4"))
        #expect(message { $0.resizing = .cropped(shorterSide: .max) }.contains("shorter side"))
        #expect(message { $0.testShare = 0 }.contains("test share"))
        #expect(message { $0.testShare = .nan }.contains("test share"))
        #expect(message { $0.limits.pixels = 0 }.contains("limit of pixels"))
        #expect(
            message { $0.normalization = .init(mean: [0, 0], standardDeviation: [1, 1]) }.contains("normalization"))
    }
}
