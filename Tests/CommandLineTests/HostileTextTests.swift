import Foundation
import ModelInterchange
import TestSupport
import Testing
import UnlearnCommands
import Unlearning

/// Names in files, folders and arguments can hold what a terminal takes for commands. They are shown, not obeyed.
@Suite("Text that acts on terminals", .tags(.commandLine))
struct HostileTextTests {
    let materials: Materials
    let folder: TemporaryFolder

    /// Clears the screen, hides what follows, begins a line, reverses the order, is a command by one character, and is long.
    static let names = [
        "\u{1B}[2Jclear", "a\rb", "two\nlines", "\u{202E}txt.exe", "\u{9B}31mred", "\u{2066}isolate\u{2069}",
        "sep\u{2028}arator\u{7F}", String(repeating: "long", count: 2500), "日本語のクラス", "plain",
    ]

    init() throws {
        materials = try Materials.shared.get()
        folder = try TemporaryFolder()
    }

    /// Whether a text has anything but letters and line breaks that a terminal would act on.
    private static func acts(_ text: String) -> Bool {
        text.unicodeScalars.contains {
            $0 != "\n" && ($0.properties.generalCategory == .control || $0.properties.isBidiControl || $0 == "\u{2028}")
        }
    }

    /// IDX files name no classes, so the model's names are taken.
    private var images: String {
        let files = ["images-idx3", "labels-idx1"].map { materials.folder.path("data/t10k-\($0)-ubyte") }
        return "idx:\(files.joined(separator: ","))"
    }

    private func hostileModel() throws -> String {
        var model = try Model(contentsOf: URL(fileURLWithPath: materials.model))
        model.metadata.classNames = Self.names
        try model.write(to: folder.url.appendingPathComponent("hostile.safetensors"))
        return folder.path("hostile.safetensors")
    }

    @Test("class names in tables, lists and errors")
    func classNames() throws {
        let model = try hostileModel()
        for arguments in [
            ["evaluate", model, "--dataset", images, "--forgotten", "0,2,7"], ["inspect", model],
            ["evaluate", model, "--dataset", images, "--forgotten", "none"],
            ["evaluate", model, "--dataset", materials.dataset],
            [
                "forget", model, "--classes", "0,7", "--retain", images, "--samples-per-class", "4",
                "--output", folder.path("out.safetensors"), "--validation", images,
            ],
        ] {
            let ending = try Program.run(arguments)
            #expect(!Self.acts(ending.output + ending.errors), "\(ending.output)\(ending.errors)")
            #expect((ending.output + ending.errors).contains("\\u{1B}[2Jclear"), "\(ending.output)\(ending.errors)")
            #expect(ending.output.split(separator: "\n").allSatisfy { $0.count < 400 })
            #expect(ending.errorLines.count <= 1)
            #expect(!ending.output.contains("\nlines"))
        }
    }

    @Test("JSON has the names as they are, and nothing that acts")
    func json() throws {
        let model = try hostileModel()
        let ending = try Program.run(["inspect", model, "--json"])
        #expect(try ending.json()["classNames"] as? [String] == Self.names)
        #expect(!Self.acts(ending.output))
        let failure = try Program.run(["inspect", folder.path("\u{1B}[31m\u{202E}x"), "--json"])
        #expect(!Self.acts(failure.output + failure.errors))
        let error = try failure.json()["error"] as? [String: Any]
        #expect((error?["message"] as? String)?.contains("\u{1B}[31m\u{202E}x") == true)
    }

    @Test("arguments in usage errors, and files' names in warnings")
    func arguments() throws {
        let hostile = "\u{1B}]0;title\u{7}\u{202E}\nunlearn: error: forged"
        for arguments in [
            ["--\(hostile)"], [hostile], ["inspect", "m", "--batch-size", hostile], ["inspect", hostile],
            ["train", "--dataset", hostile], ["evaluate", materials.model, "--dataset", "folder:\(hostile)"],
            ["evaluate", materials.model, "--dataset", materials.dataset, "--forgotten", hostile],
        ] {
            let ending = try Program.run(arguments)
            #expect(ending.status != 0)
            #expect(!Self.acts(ending.output + ending.errors), "\(ending.errors)")
            #expect(!ending.errors.contains("\nunlearn: error: forged"), "\(ending.errors)")
        }
    }

    @Test("what acts is written out, and the rest stays")
    func visible() {
        #expect("a\u{1B}[0m\u{7}\u{202E}b\n\t".visible() == "a\\u{1B}[0m\\u{07}\\u{202E}b\\u{0A}\\u{09}")
        #expect("one\ntwo\r\n".visible(keepingLines: true) == "one\ntwo\\u{0D}\n")
        for text in ["", "plain", "Größe", "日本語", "👩‍👩‍👧", "שלום", "a\u{301}"] {
            #expect(text.visible() == text && text.visibleJSON == text)
        }
        #expect("\"\u{9B}\u{2028}\u{7F}\"\n".visibleJSON == "\"\\u009b\\u2028\\u007f\"\n")
        // One character of two scalars, of which one is no line break.
        #expect("\r\n".visible() == "\\u{0D}\\u{0A}")
    }

    @Test("columns are counted as terminals do")
    func widths() {
        #expect("abc".width == 3 && "日本".width == 4 && "a\u{301}".width == 1 && "👩‍👩‍👧".width == 2 && "".width == 0)
        #expect("abcdef".shortened(to: 6) == "abcdef")
        #expect("abcdefg".shortened(to: 6) == "abcde…")
        #expect("日本語日本語".shortened(to: 6) == "日本…")
        #expect(String(repeating: "x", count: 10_000).asName.width == 40)
        var table = TextTable()
        table.add(["日本", "1"])
        table.add(["a\u{1B}b", "22"])
        #expect(table.text == "日本       1\na\\u{1B}b  22\n")
    }
}
