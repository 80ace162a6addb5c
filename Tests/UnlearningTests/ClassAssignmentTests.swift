import TestSupport
import Testing
import Unlearning

/// Which class each folder is, where some are missing.
@Suite("Classes of a data set that lacks some", .tags(.unlearning))
struct ClassAssignmentTests {
    private func assignment(
        _ found: [String], known: [String] = [], count: Int, absent: String? = nil
    ) throws(ClassAssignmentError) -> ClassAssignment {
        try ClassAssignment(
            of: found, in: "photos", known: known, count: count, absent: absent.map { ClassList(parsing: $0) },
            option: "--classes")
    }

    private func message(_ found: [String], known: [String] = [], count: Int, absent: String? = nil) -> String {
        do throws(ClassAssignmentError) {
            return "no error: \(try assignment(found, known: known, count: count, absent: absent).names)"
        } catch {
            return error.description
        }
    }

    @Test("all classes, in the order of their folders")
    func all() throws {
        #expect(try assignment(["a", "b"], count: 2).names == ["a", "b"])
        #expect(try assignment(["0", "1", "10"], count: 3).names == ["0", "1", "10"])
        // Whoever compares the counts refuses them.
        #expect(try assignment(["a", "b", "c"], count: 2).names == ["a", "b", "c"])
    }

    @Test("those that are gone are given by number or name")
    func gone() throws {
        let found = ["a", "c", "d", "e"]
        let byNumber = try assignment(found, count: 5, absent: "1")
        #expect(byNumber.names == ["a", "1", "c", "d", "e"])
        #expect(byNumber.absent == [1])
        #expect(
            byNumber.note(for: found) == "class 1 has no folder; folders a, c, d, e are taken as classes 0, 2, 3, 4")
        let byName = try assignment(found, count: 5, absent: "b")
        #expect(byName.names == ["a", "b", "c", "d", "e"] && byName.note(for: found) == nil)
        #expect(try assignment(["c", "d"], count: 5, absent: "b, 0, index:4").names == ["0", "b", "c", "d", "4"])
        // One that has a folder may be among those to forget.
        #expect(try assignment(found, count: 5, absent: "c,1").names == ["a", "1", "c", "d", "e"])
    }

    @Test(
        "what stays open is refused",
        arguments: [nil, "", "1,3", "a", "5", "-1", "b,x", "1,b", "1,1"] as [String?])
    func open(absent: String?) {
        let message = message(["a", "c", "d", "e"], count: 5, absent: absent)
        #expect(message.hasPrefix("photos: has folders for 4 of the model's 5 classes (a, c, d, e)"), "\(message)")
        #expect(message.hasSuffix("by --classes, or name all classes in their order by --class-names"))
    }

    @Test("a model's own names come first, and what it does not name is filled")
    func names() throws {
        #expect(try assignment(["c", "a"], known: ["a", "b", "c"], count: 3).names == ["a", "b", "c"])
        #expect(try assignment(["a", "b", "c"], known: ["a", "1", "c"], count: 3).names == ["a", "b", "c"])
        #expect(try assignment(["a", "c"], known: ["a", "1", "c"], count: 3).names == ["a", "1", "c"])
        #expect(try assignment(["a", "x"], known: ["a", "1", "2"], count: 3, absent: "2").names == ["a", "x", "2"])
        // Whoever reads the folders refuses those that the model does not have.
        #expect(try assignment(["a", "x"], known: ["a", "b", "c"], count: 3).names == ["a", "b", "c"])
        #expect(message(["a", "x"], known: ["a", "1", "2"], count: 3).contains("does not name all of them"))
    }

    @Test("folders named by numbers")
    func numbers() throws {
        #expect(try assignment(["0", "1", "3"], count: 4).names == ["0", "1", "2", "3"])
        let twelve = (0..<12).map(String.init).sorted()
        let rest = twelve.filter { $0 != "2" }
        // The model says that class 10 is called 10, so it is not at the third place.
        #expect(try assignment(rest, known: (0..<12).map(String.init), count: 12).names[10] == "10")
        // '2' is the fifth folder, and index 2 the folder '10'.
        #expect(message(rest, count: 12, absent: "2").hasSuffix("write index:2 or index:4"))
        #expect(try assignment(rest, count: 12, absent: "\"2\"").names == twelve)
        #expect(try assignment(rest, count: 12, absent: "index:4").names[2] == "10")
        #expect(try assignment(rest, count: 12, absent: "index:2").names[3] == "10")
        #expect(try assignment(twelve.filter { $0 != "0" }, count: 12, absent: "0").names == twelve)
    }
}
