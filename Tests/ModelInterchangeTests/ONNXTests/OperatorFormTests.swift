import Foundation
import ModelInterchange
import NeuralGraph
import TestSupport
import Testing

/// The table of what is read of each operator, against what ONNX itself says (`Tests/Validation/ONNX/make_operator_schemas.py`).
@Suite("Operator form", .tags(.files)) struct OperatorFormTests {
    private struct Schema: Decodable {
        let since: Int
        let inputs: Int?
        let outputs: Int?
        let attributes: [String: String?]
    }

    private static func schemas() throws -> [String: [Schema]] {
        try JSONDecoder().decode(
            [String: [Schema]].self, from: Data(contentsOf: fixture("ONNX/operator-schemas.json")))
    }

    /// Attributes that are an error instead of a setting, with nothing of their kind being read.
    private static let refused: [String: Set<String>] = [
        "Constant": ["sparse_value", "value_string", "value_strings"]
    ]

    @Test("every operator that is read has a form") func everyOperatorThatIsReadHasAForm() {
        #expect(Set(ONNXImporter.lowerings.keys) == Set(OperatorForm.all.keys))
        for operation in OperatorForm.all.keys.sorted() {
            let versions = OperatorForm.all[operation]?.map(\.since) ?? []
            #expect(versions == versions.sorted() && !versions.isEmpty, "\(operation)")
        }
    }

    @Test("forms are those of every set") func formsAreThoseOfEverySet() throws {
        let schemas = try Self.schemas()
        for (operation, forms) in OperatorForm.all {
            let versions = try #require(schemas[operation], "\(operation)")
            #expect(forms.map(\.since).allSatisfy { since in versions.contains { $0.since == since } }, "\(operation)")
            for set in ONNXDocument.operatorSets {
                guard let schema = versions.last(where: { $0.since <= set }) else {
                    #expect(OperatorForm.form(of: operation, inSet: set) == nil, "\(operation) in set \(set)")
                    continue
                }
                guard operation != "Upsample" || set < 10 else { continue }
                let form = try #require(OperatorForm.form(of: operation, inSet: set), "\(operation) in set \(set)")
                let read = Set(form.attributes.keys)
                let known = Set(schema.attributes.keys).subtracting(Self.refused[operation] ?? [])
                #expect(read == known, "\(operation) in set \(set)")
                #expect((form.inputs ?? .max) <= (schema.inputs ?? .max), "\(operation) in set \(set)")
                #expect((form.outputs ?? .max) <= (schema.outputs ?? .max), "\(operation) in set \(set)")
                for case (let name, .only(let neutral)) in form.attributes {
                    #expect(schema.attributes[name] == neutral, "\(operation)'s \(name) in set \(set)")
                }
            }
        }
    }

    private func message(_ node: [UInt8], set: Int, input: [Int?] = [nil, 4], tensors: [[UInt8]] = []) throws -> String
    {
        var file = GraphFile.linear
        file.operatorSet = set
        file.input = input
        file.tensors += tensors
        file.nodes = [node, GraphFile.node("MatMul", ["h", "w"], ["y"])]
        let folder = try TemporaryFolder()
        let url = folder.file("graph.onnx")
        try overwrite(url, with: file.bytes)
        do {
            _ = try Model(onnx: url)
            return "no error"
        } catch {
            return error.message
        }
    }

    @Test("what is not read is named with its value and a remedy") func whatIsNotReadIsNamedWithItsValueAndARemedy()
        throws
    {
        let statistics = ["s", "b", "m", "v"].map { GraphFile.tensor($0, [4], [1, 1, 1, 1]) }
        let training = GraphFile.node("BatchNormalization", ["x", "s", "b", "m", "v"], ["h"], name: "norm") {
            $0.attribute("training_mode", 1)
        }
        let refusal = try message(training, set: 17, tensors: statistics)
        #expect(refusal.contains("node 'norm' (BatchNormalization): has training_mode 1, and only 0 is supported"))
        #expect(refusal.contains("model.eval()"))
        let old = GraphFile.node("BatchNormalization", ["x", "s", "b", "m", "v"], ["h"]) { $0.attribute("spatial", 0) }
        #expect(try message(old, set: 7, tensors: statistics).contains("has spatial 0, and only 1 is supported"))
        #expect(try message(old, set: 9, tensors: statistics).contains("has the attribute 'spatial' (0)"))
        let own = GraphFile.node("Relu", ["x"], ["h"], name: "own") { $0.attribute("slope", 0.5) }
        #expect(try message(own, set: 17).contains("node 'own' (Relu): has the attribute 'slope' (0.5)"))
        let young = GraphFile.node("Gelu", ["x"], ["h"])
        #expect(try message(young, set: 17).contains("is in operator sets from 20 on, and the graph is of set 17"))
        #expect(try message(young, set: 20) == "no error")
        let inputs = GraphFile.node("Relu", ["x", "w"], ["h"])
        #expect(try message(inputs, set: 17).contains("has an input 'w' beyond the first 1"))
        // What is folded is checked as well.
        let folded = GraphFile.node("Neg", ["c"], ["d"]) { $0.attribute("sign", 1) }
        var file = GraphFile.linear
        file.tensors += [GraphFile.tensor("c", [1])]
        file.nodes = [
            folded, GraphFile.node("Unsqueeze", ["x", "d"], ["e"]), GraphFile.node("Squeeze", ["e", "d"], ["h"]),
            GraphFile.node("MatMul", ["h", "w"], ["y"]),
        ]
        let folder = try TemporaryFolder()
        let url = folder.file("graph.onnx")
        try overwrite(url, with: file.bytes)
        #expect(throws: FileError.self) { try Model(onnx: url) }
    }

    /// Its third input says whether dropout drops; nobody who runs a network wants that.
    @Test("dropout in training mode is refused", arguments: [false, true])
    func dropoutInTrainingModeIsRefused(_ isStored: Bool) throws {
        for trains in [false, true] {
            var file = GraphFile.linear
            let mode = GraphFile.tensor("t", [], type: 9) { $0.content(9, [trains ? 1 : 0]) }
            file.nodes = [
                GraphFile.node("Dropout", ["x", "r", "t"], ["h"], name: "drop"),
                GraphFile.node("MatMul", ["h", "w"], ["y"]),
            ]
            file.tensors.append(GraphFile.tensor("r", [], [0.5]))
            if isStored {
                file.tensors.append(mode)
            } else {
                file.nodes.insert(GraphFile.constant("t", mode), at: 0)
            }
            let folder = try TemporaryFolder()
            let url = folder.file("graph.onnx")
            try overwrite(url, with: file.bytes)
            guard trains else {
                #expect(throws: Never.self) { try Model(onnx: url) }
                continue
            }
            #expect {
                try Model(onnx: url)
            } throws: {
                "\($0)".contains("node 'drop' (Dropout): is in training mode") && "\($0)".contains("model.eval()")
            }
        }
    }

    @Test("outputs that nothing gives are errors only where they are read")
    func outputsThatNothingGivesAreErrorsOnlyWhereTheyAreRead() throws {
        func file(reading mask: Bool) -> GraphFile {
            var file = GraphFile.linear
            file.nodes = [
                GraphFile.node("Dropout", ["x"], ["h", "mask"], name: "drop"),
                GraphFile.node("Cast", ["mask"], ["c"]) { $0.attribute("to", 1) },
                GraphFile.node("Mul", ["h", mask ? "c" : "h"], ["p"]), GraphFile.node("MatMul", ["p", "w"], ["y"]),
            ]
            return file
        }
        let folder = try TemporaryFolder()
        let url = folder.file("graph.onnx")
        try overwrite(url, with: file(reading: false).bytes)
        #expect(throws: Never.self) { try Model(onnx: url) }
        try overwrite(url, with: file(reading: true).bytes)
        #expect {
            try Model(onnx: url)
        } throws: { "\($0)".contains("node 'drop' (Dropout): gives the output 'mask', which is read") }
    }
}
