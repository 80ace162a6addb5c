import Foundation
import ModelInterchange
import NeuralGraph
import TestSupport
import Testing

/// Graphs that the format allows to be written but not to be run: each ends in an error that names node or tensor.
@Suite("Malformed graph", .tags(.files)) struct MalformedGraphTests {
    private func message(_ file: GraphFile, _ folder: TemporaryFolder? = nil) throws -> String {
        let folder = try folder ?? TemporaryFolder()
        let url = folder.file("graph.onnx")
        try overwrite(url, with: file.bytes)
        do {
            _ = try Model(onnx: url)
            return "no error"
        } catch {
            #expect(error.path == url.path)
            return error.message
        }
    }

    @Test("the smallest file is read") func theSmallestFileIsRead() throws {
        let folder = try TemporaryFolder()
        let url = folder.file("linear.onnx")
        try overwrite(url, with: GraphFile.linear.bytes)
        let model = try Model(onnx: url)
        #expect(model.graph.inputShape == [4] && model.classCount == 2)
        #expect(model.parameters["w"]?.shape == [2, 4])
        #expect(model.parameters["w"]?.elements == [0, 0.25, 0.5, 0.75, 0.125, 0.375, 0.625, 0.875])
    }

    @Test("unsupported operators are named with their nodes") func unsupportedOperatorsAreNamedWithTheirNodes() throws {
        var file = GraphFile.linear
        file.nodes = [
            GraphFile.node("MatMul", ["x", "w"], ["h"]),
            GraphFile.node("TopK", ["h"], ["y"], name: "best"),
        ]
        #expect(try message(file).hasPrefix("node 'best' (TopK): is an operator that is not supported"))
        file.nodes[1] = GraphFile.node("Gelu", ["h"], ["y"], name: "own", domain: "com.example")
        #expect(try message(file).hasPrefix("node 'own' (com.example.Gelu): is an operator that is not supported"))
        // What the output does not depend on need not be run.
        file.nodes = GraphFile.linear.nodes + [GraphFile.node("TopK", ["x"], ["other"])]
        #expect(try message(file) == "no error")
    }

    @Test("cycles") func cycles() throws {
        var file = GraphFile.linear
        file.nodes = [
            GraphFile.node("Add", ["x", "b"], ["a"], name: "first"),
            GraphFile.node("Relu", ["a"], ["b"], name: "second"),
            GraphFile.node("MatMul", ["b", "w"], ["y"]),
        ]
        #expect(try message(file).contains("a graph has no cycles"))
        file.nodes = [GraphFile.node("Relu", ["y"], ["y"], name: "self")]
        #expect(try message(file).contains("node 'self' (Relu): reads 'y', which depends on this node itself"))
    }

    @Test("nodes out of order are sorted") func nodesOutOfOrderAreSorted() throws {
        var file = GraphFile.linear
        file.nodes = [
            GraphFile.node("MatMul", ["h", "w"], ["y"]), GraphFile.node("Relu", ["x"], ["h"]),
        ]
        #expect(try message(file) == "no error")
    }

    @Test("names that are given twice or never") func namesThatAreGivenTwiceOrNever() throws {
        var file = GraphFile.linear
        file.nodes = [GraphFile.node("Relu", ["x"], ["y"]), GraphFile.node("Tanh", ["x"], ["y"])]
        #expect(try message(file).contains("gives 'y', which is given twice"))
        file = .linear
        file.tensors.append(file.tensors[0])
        #expect(try message(file).contains("two stored tensors named 'w'"))
        file = .linear
        file.tensors = []
        #expect(try message(file).contains("reads 'w', which nothing gives"))
        file = .linear
        file.output = "z"
        #expect(try message(file).contains("no node gives the output 'z'"))
        file = .linear
        file.nodes = [GraphFile.node("MatMul", ["x", ""], ["y"], name: "head")]
        #expect(try message(file).contains("node 'head' (MatMul): lacks its input 1"))
    }

    @Test("tensors that are not what they say") func tensorsThatAreNotWhatTheySay() throws {
        func with(_ tensor: [UInt8]) throws -> String {
            var file = GraphFile.linear
            file.tensors = [tensor]
            return try message(file)
        }
        #expect(try with(GraphFile.tensor("w", [4, 2], [1, 2, 3])).contains("thus 8 elements, but 3 are stored"))
        #expect(try with(GraphFile.tensor("w", [-4, 2], [])).contains("no memory holds"))
        let huge = [1 << 40, 1 << 40]
        #expect(try with(GraphFile.tensor("w", huge, [])).contains("no memory holds"))
        #expect(try with(GraphFile.tensor("w", [4, 1 << 40], [1])).contains("are stored"))
        #expect(try with(GraphFile.tensor("w", [4, 2], type: 99) { _ in }).contains("the data type 99"))
        #expect(try with(GraphFile.tensor("w", [4, 2], type: 8) { _ in }).contains("the data type 8"))
        #expect(
            try with(GraphFile.tensor("w", [3, 2], [Float](repeating: 1, count: 6))).contains("do not fit each other"))
    }

    @Test("shapes that mix examples") func shapesThatMixExamples() throws {
        var file = GraphFile.linear
        file.tensors.append(GraphFile.tensor("s", [1, -1]))
        file.nodes = [
            GraphFile.node("Reshape", ["x", "s"], ["h"], name: "mix"),
            GraphFile.node("MatMul", ["h", "w"], ["y"], name: "head"),
        ]
        #expect(try message(file).contains("node 'head' (MatMul): multiplies [1, 4N]"))
        file = .linear
        file.nodes = [
            GraphFile.node("ReduceMean", ["x"], ["h"], name: "mean") { $0.attribute("axes", [0]) },
            GraphFile.node("MatMul", ["h", "w"], ["y"]),
        ]
        #expect(try message(file).contains("node 'mean' (ReduceMean): goes across examples"))
    }

    /// Constants whose shapes have no numbers, or more of them than there are, in nodes that are computed at once.
    @Test("constants that do not fit") func constantsThatDoNotFit() throws {
        var file = GraphFile.linear
        file.tensors += [
            GraphFile.tensor("none", [0], [Float]()), GraphFile.tensor("one", [1], [Float(2)]),
            GraphFile.tensor("numbers", [1, 2, 3, 4, 5, 6, 7]), GraphFile.tensor("both", [-1, -1]),
            GraphFile.tensor("first", [0]), GraphFile.tensor("last", [9]), GraphFile.tensor("axis", [1]),
        ]
        file.nodes = [
            GraphFile.node("Add", ["one", "none"], ["c"], name: "sum"), GraphFile.node("Mul", ["x", "c"], ["h"]),
            GraphFile.node("MatMul", ["h", "w"], ["y"]),
        ]
        #expect(try message(file).contains("(Mul): has inputs of [N, 4] and [1, 0]"))
        file.nodes[0] = GraphFile.node("Add", [], ["c"], name: "sum")
        #expect(try message(file).contains("node 'sum' (Add)"))
        file.nodes = [
            GraphFile.node("Reshape", ["numbers", "both"], ["square"], name: "square"),
            GraphFile.node("Slice", ["square", "first", "last", "axis"], ["part"], name: "part"),
            GraphFile.node("Reshape", ["x", "part"], ["h"]), GraphFile.node("MatMul", ["h", "w"], ["y"]),
        ]
        #expect(try message(file).contains("node 'square' (Reshape): reshapes [7] to [-1, -1]"))
    }

    @Test("settings beyond reason") func settingsBeyondReason() throws {
        var file = GraphFile()
        file.input = [nil, 3, 8, 8]
        file.tensors = [GraphFile.tensor("w", [2, 3, 1, 1], [Float](repeating: 1, count: 6))]
        for pads in [[Int.max, 0, 0, 0], [-1, 0, 0, 0], [0, 0]] {
            file.nodes = [GraphFile.node("Conv", ["x", "w"], ["y"], name: "conv") { $0.attribute("pads", pads) }]
            #expect(try message(file).contains("node 'conv' (Conv): has pads"), "\(pads)")
        }
        file.nodes = [
            GraphFile.node("Conv", ["x", "w"], ["y"], name: "conv") {
                $0.attribute("pads", [1 << 20, 1 << 20, 1 << 20, 1 << 20])
            }
        ]
        #expect(try message(file).contains("over 2147483647 numbers"))
        file.nodes = [GraphFile.node("Conv", ["x", "w"], ["y"], name: "conv") { $0.attribute("group", Int.min) }]
        #expect(try message(file).contains("groups"))
    }

    @Test("functions that call themselves") func functionsThatCallThemselves() throws {
        func function(_ name: String, calls: [String]) -> [UInt8] {
            var writer = WireWriter()
            writer.string(1, name)
            writer.string(4, "a")
            writer.string(5, "b")
            var value = "a"
            for (index, call) in calls.enumerated() {
                let next = index == calls.count - 1 ? "b" : "v\(index)"
                writer.content(7, GraphFile.node(call, [value], [next], domain: call == "Relu" ? "" : "own"))
                value = next
            }
            writer.string(10, "own")
            return writer.bytes
        }
        var file = GraphFile.linear
        file.nodes = [
            GraphFile.node("F", ["x"], ["h"], name: "call", domain: "own"),
            GraphFile.node("MatMul", ["h", "w"], ["y"]),
        ]
        file.functions = [function("F", calls: ["Relu", "Relu"])]
        #expect(try message(file) == "no error")
        file.functions = [function("F", calls: ["F"])]
        #expect(try message(file).contains("does a function call itself?"))
        // Thirty functions that each call the next one twice would be a billion nodes.
        file.functions = (0..<30).map { index in
            function(
                index == 0 ? "F" : "F\(index)", calls: index == 29 ? ["Relu"] : ["F\(index + 1)", "F\(index + 1)"])
        }
        #expect(try message(file).contains("stands for more than"))
    }

    @Test("inputs and versions that are not read") func inputsAndVersionsThatAreNotRead() throws {
        var file = GraphFile.linear
        file.structure = 99
        #expect(try message(file).contains("structure version 99"))
        file = .linear
        for version in [6, 99] {
            file.operatorSet = version
            let text = try message(file)
            #expect(
                text.contains("for operator set \(version), and sets 7 to") && text.contains("onnx.version_converter"))
        }
        file = .linear
        file.input = [nil]
        #expect(try message(file).contains("has no declared shape"))
        file = .linear
        file.input = [nil, 1 << 60]
        #expect(try message(file).contains("an axis of length"))
        file = .linear
        file.input = [nil, 3, nil, nil]
        #expect(try message(file).contains("leaves its axis 2"))
    }

    // MARK: External data

    private func external(_ location: String, offset: String? = nil, length: String? = nil) -> GraphFile {
        var file = GraphFile.linear
        file.tensors = [GraphFile.external("w", [4, 2], location: location, offset: offset, length: length)]
        return file
    }

    @Test("external data inside the folder") func externalDataInsideTheFolder() throws {
        let folder = try TemporaryFolder()
        try overwrite(folder.file("weights.bin"), with: [UInt8](repeating: 0, count: 40))
        #expect(try message(external("weights.bin", offset: "8", length: "32"), folder) == "no error")
        #expect(try message(external("./weights.bin"), folder) == "no error")
        #expect(try message(external("weights.bin", offset: "9"), folder).contains("it is cut off"))
        #expect(try message(external("weights.bin", length: "31"), folder).contains("takes 32 bytes, but 31"))
        #expect(try message(external("weights.bin", offset: "9223372036854775807"), folder).contains("it is cut off"))
        #expect(try message(external("weights.bin", offset: "-8"), folder).contains("no number of bytes"))
        #expect(
            try message(external("weights.bin", offset: "99999999999999999999"), folder).contains("no number of bytes"))
        #expect(try message(external("missing.bin"), folder).contains("not in the model's folder"))
        #expect(try message(external(""), folder).contains("not named"))
    }

    @Test("external data outside the folder") func externalDataOutsideTheFolder() throws {
        let outer = try TemporaryFolder()
        let folder = try TemporaryFolder()
        let secret = outer.file("secret.bin")
        try overwrite(secret, with: [UInt8](repeating: 0, count: 40))
        let links = [("link.bin", secret.path), ("up", outer.url.path)]
        for (name, target) in links {
            try FileManager.default.createSymbolicLink(atPath: folder.file(name).path, withDestinationPath: target)
        }
        for location in [
            secret.path, "../\(outer.url.lastPathComponent)/secret.bin", "a/../../secret.bin", "link.bin",
            "up/secret.bin", "..", "..\\secret.bin",
        ] {
            #expect(try message(external(location), folder).contains("not inside the model's folder"), "\(location)")
        }
    }

    @Test("links inside the folder are followed") func linksInsideTheFolderAreFollowed() throws {
        let folder = try TemporaryFolder()
        try overwrite(folder.file("weights.bin"), with: [UInt8](repeating: 0, count: 32))
        try FileManager.default.createSymbolicLink(
            atPath: folder.file("link.bin").path, withDestinationPath: "weights.bin")
        #expect(try message(external("link.bin"), folder) == "no error")
    }
}
