import Foundation
import TestSupport
import Testing
import Unlearning

/// An option that would have no effect is wrong usage in every command, and the message names it. No file is looked at: none
/// of those in the arguments exists.
@Suite("Options without effect", .tags(.commandLine))
struct OptionTests {
    private static let forget = ["forget", "m", "--classes", "0", "--retain", "fashion-mnist", "--output", "o"]
    private static let folderForget = ["forget", "m", "--classes", "0", "--retain", "folder:x", "--output", "o"]
    private static let audit = ["audit", "a", "b", "--dataset", "fashion-mnist", "--forgotten", "0"]
    private static let compare = [
        "compare", "--dataset", "fashion-mnist", "--architecture", "allcnn", "--classes", "0",
    ]
    private static let methods = ["compare-methods"] + compare.dropFirst()
    private static let train = [
        "train", "--dataset", "fashion-mnist", "--architecture", "allcnn", "--epochs", "1", "--output", "o",
    ]
    private static let evaluate = ["evaluate", "m", "--dataset", "fashion-mnist"]
    private static let predict = ["predict", "m", "--dataset", "fashion-mnist", "--logits", "l"]
    private static let inputs = ["predict", "m", "--input", "i", "--logits", "l"]
    private static let pictures = ["predict", "m", "--pictures", "p.png"]

    /// The commands with an option, and with its value if it takes one.
    static let useless: [(command: [String], option: [String])] =
        // Nothing is random, or nothing is computed.
        [evaluate, predict, ["inspect", "m"], ["convert", "m", "o.onnx"], ["list", "methods"], ["check"]].map {
            ($0, ["--seed", "1"])
        }
        + [["convert", "m", "o.onnx"], ["list", "methods"], ["check"]].map { ($0, ["--threads", "1"]) }
        // No folder of pictures, or classes that have names.
        + [train, forget, evaluate, predict, audit, compare, methods + ["--methods", "all"]].flatMap { command in
            [
                ["--resize", "9"], ["--unreadable", "refuse"], ["--mean", "0.5", "--std", "0.5"],
                ["--class-names", "a,b"],
            ].map { (command, $0) }
        }
        + [["--resize", "9"], ["--unreadable", "skip"], ["--class-names", "a,b"], ["--split", "test"]].map {
            (inputs, $0)
        }
        + [["--unreadable", "skip"], ["--split", "test"]].map { (pictures, $0) }
        // One split.
        + [(["evaluate", "m", "--dataset", "idx:a,b"], ["--split", "test"])]
        + [(["predict", "m", "--dataset", "idx:a,b", "--logits", "l"], ["--split", "train"])]
        // Methods that do not train on images, or on all of them.
        + ["last-row", "zero-shot", "retrain", "sisa"].map {
            (forget + ["--method", $0], ["--samples-per-class", "5"])
        }
        + [(methods + ["--methods", "last-row,retrain"], ["--samples-per-class", "5"])]
        + ["default", "scrub", "last-row"].map { (forget + ["--method", $0], ["--epochs", "3"]) }
        + [(forget + ["--method", "scrub"], ["--preset", "fast"]), (forget, ["--epochs", "3"])]
        // Nothing is retrained.
        + [["--epochs", "3"], ["--batch-size", "256"], ["--learning-rate", "0.1"], ["--augment"], ["--seeds", "1"]]
        .map { (audit, $0) }
        + [(audit + ["--shadow-models", "2"], ["--augment"])]
        + [["--epochs", "3"], ["--augment"], ["--seeds", "1"]].map { (audit + ["--retrained", "g", "--quick"], $0) }
        // Nothing is written or trained that they would be for.
        + [forget, audit, compare].map { ($0, ["--request-id", "7"]) }
        + [(forget, ["--report", "r"]), (compare, ["--seeds", "2"])]
        + [["--save", "s"], ["--preset", "fast"], ["--request-id", "7"]].map { (compare + ["--methods", "all"], $0) }
        // Architectures that lack the option, or none at all.
        + [["--stem", "small"], ["--patch-size", "8"]].flatMap { option in
            [train, compare, forget, evaluate, audit, ["inspect", "m"], ["convert", "m", "o.onnx"]].map { ($0, option) }
        }
        // A record has all of it.
        + [
            ["--dataset", "fashion-mnist"], ["--forgotten", "0"], ["--quick"], ["--limit", "linear-probe=1"],
            ["--retrain"],
            ["--retrained", "m"], ["--report", "."], ["--record", "r"], ["--seed", "0"], ["--threads", "1"],
            ["--architecture", "resnet18"], ["--image-size", "32"], ["--output-name", "y"],
            ["--minimum-samples", "30"],
            ["--epochs", "3"], ["--batch-size", "256"], ["--learning-rate", "0.1"], ["--class-names", "a,b"],
            ["--resize", "9"], ["--unreadable", "refuse"], ["--mean", "0.5", "--std", "0.5"],
        ].map { (["audit", "--verify", "r"], $0) }

    @Test("are refused by name", arguments: useless.indices)
    func areRefused(_ index: Int) throws {
        let (command, option) = Self.useless[index]
        let ending = try Program.run(command + option)
        #expect(ending.status == 64, "\(command + option): \(ending.errors)")
        let line = String(ending.errorLines.first ?? "")
        let name = option[0].dropFirst(2).prefix { $0 != "-" }
        #expect(line.hasPrefix("unlearn: error: ") && line.contains(name), "\(command + option): \(line)")
        // The reason is a sentence of its own, and not that the option is unknown.
        #expect(!line.contains("Unknown option"), "\(line)")
        #expect(ending.output.isEmpty)
    }

    /// The same options where they have an effect: what is wrong then is that the files do not exist.
    static let useful: [[String]] = [
        folderForget + [
            "--resize", "9", "--unreadable", "skip", "--mean", "0.5", "--std", "0.5", "--class-names", "a,b",
        ],
        folderForget + ["--method", "retrain", "--epochs", "2"],
        folderForget + ["--method", "scrub", "--samples-per-class", "5"],
        ["evaluate", "m", "--dataset", "folder:x", "--split", "train", "--threads", "1"],
        ["predict", "m", "--pictures", "p.png", "--resize", "9", "--class-names", "a,b"],
        audit + [
            "--retrain", "--epochs", "1", "--batch-size", "2", "--learning-rate", "0.1", "--augment", "--seeds", "2",
        ],
        audit + ["--shadow-models", "2", "--epochs", "1", "--batch-size", "2", "--learning-rate", "0.1"],
        audit + ["--record", "r", "--request-id", "7"], audit + ["--json", "--request-id", "7"],
        ["audit", "--verify", "r", "m"],
        ["inspect", "m", "--architecture", "resnet18", "--stem", "small"],
        ["convert", "m", "o.onnx", "--architecture", "vit-tiny", "--patch-size", "8"],
    ]

    @Test("are taken where they have an effect", arguments: useful)
    func areTaken(arguments: [String]) throws {
        let ending = try Program.run(arguments)
        #expect(ending.status == 1, "\(arguments): \(ending.errors)")
    }

    @Test("old names of options still work and are not in the help")
    func oldNames() throws {
        let old = Self.audit + ["--least-samples", "5"]
        #expect(try Program.run(old).status == 1)
        let folder = ["evaluate", "m", "--dataset", "folder:x", "--mean", "0.5", "--deviation", "0.5"]
        #expect(try Program.run(folder).status == 1)
        for command in ["audit", "evaluate", "compare"] {
            let help = try Program.run([command, "--help"]).output
            for name in ["--least-samples", "--deviation", "--methods"] { #expect(!help.contains(name), "\(command)") }
        }
    }
}
