import TestSupport
import Testing
import Unlearning

@Suite("Lists of classes", .tags(.unlearning))
struct ClassListTests {
    @Test(
        "texts are taken apart at commas outside of quotes",
        arguments: [
            ("", []), ("a", ["a"]), ("0, b ,c d", ["0", "b", "c d"]), ("a,", ["a", ""]),
            ("\"a, b\",c", ["a, b", "c"]), (" \"a, b\" , c", ["a, b", "c"]), ("a\\, b,c", ["a, b", "c"]),
            ("\"say \\\"a\\\"\"", ["say \"a\""]), ("12\" disc, x", ["12\" disc", "x"]),
            // A quote without its end, or with something behind it, is a character like any other.
            ("\"a, b", ["\"a", "b"]), ("\"a\"b,c", ["\"a\"b", "c"]), ("a\\b\\\\", ["a\\b\\"]), ("\\", ["\\"]),
        ] as [(String, [String])])
    func parsing(text: String, entries: [String]) {
        #expect(ClassList(parsing: text).entries == entries)
    }

    private func indices(_ text: String, _ names: [String]) -> Result<Set<Int>, UnlearningError> {
        Result { () throws(UnlearningError) in try ClassList(parsing: text).indices(names: names, count: names.count) }
    }

    @Test("a text that is a name as a whole is that class, unless its parts are classes too")
    func whole() {
        #expect(indices("a, b", ["x", "a, b"]) == .success([1]))
        #expect(indices("a, b", ["b", "a, b"]) == .success([1]))
        #expect(indices("a,b", ["b", "a, b", "a"]) == .success([0, 2]))
        #expect(indices("a, b", ["b", "a, b", "a"]) == .failure(.ambiguousClasses(text: "a, b")))
        #expect(indices("\"a, b\"", ["b", "a, b", "a"]) == .success([1]))
        #expect(indices("\"x\"", ["x", "\"x\""]) == .success([1]))
    }

    @Test("a name comes before a number; an index can be forced, and so can a name")
    func numbers() throws {
        let names = ["0", "10", "2"]
        #expect(indices("2", names) == .success([2]))
        #expect(indices("1", names) == .success([1]))
        #expect(indices("10", names) == .success([1]))
        #expect(indices("index:1, \"2\"", names) == .success([1, 2]))
        #expect(indices("\"1\"", names) == .failure(.unknownClassName(name: "1", known: names)))
        #expect(indices("index:3", names) == .failure(.unknownClass(index: 3, classCount: 3)))
        #expect(indices("index:", names) == .failure(.unknownClassName(name: "index:", known: names)))
        #expect(try ClassList(parsing: "2,0").resolved(names: names, count: 3).notes.isEmpty)
        let shifted = try ClassList(parsing: "1,2").resolved(names: ["2", "1", "3"], count: 3)
        #expect(shifted.indices == [0, 1])
        #expect(
            shifted.notes == ["2 was taken as the class named '2' (index 0); write index:2 for the class at index 2"])
    }

    @Test("messages show names as they have to be written")
    func messages() {
        let known = ["a", "b, c", "\"d\""]
        #expect(
            UnlearningError.unknownClassName(name: "c", known: known).description
                == "the model has no class 'c'; if 'b, c' is meant, write \"b, c\", quotes included")
        #expect(
            UnlearningError.unknownClassName(name: "x", known: known).description
                == "the model has no class 'x'; its classes are: a, \"b, c\", \"\\\"d\\\"\"; quotes belong to names with commas"
        )
        #expect(ClassList(parsing: known.quotedWhereNeeded).entries == known)
        let many = (0..<1000).map { "class number \($0)" }
        #expect(UnlearningError.unknownClassName(name: "x", known: many).description.hasSuffix("and 980 more"))
    }

    @Test("classes without names are shown by numbers, and numbers that are names as they are")
    func display() {
        #expect(["a", "1", "c"].className(1) == "class 1")
        #expect(["a"].className(0) == "a" && ["a"].className(7) == "class 7")
        #expect(["0", "1", "2"].className(2) == "class 2")
        let folders = ["0", "1", "10", "2"]
        #expect(folders.indices.map { folders.className($0) } == folders)
    }
}
