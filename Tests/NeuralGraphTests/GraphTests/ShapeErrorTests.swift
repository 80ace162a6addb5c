import NeuralGraph
import TestSupport
import Testing

/// Every misuse of the builder ends in an error that names the node.
@Suite("Shape error", .tags(.graphs)) struct ShapeErrorTests {
    typealias Build = @Sendable (inout GraphBuilder) throws -> Void

    /// What is wrong, and how it is done, over an input of 8x6x4.
    private static let misuses: [(what: String, build: Build)] = [
        (
            "kernel larger than the padded image",
            { b in
                _ = try b.convolution(
                    b.input, named: "node", channels: 2, kernelSize: Size2D(height: 3, width: 9), padding: 1)
            }
        ),
        (
            "dilated kernel larger than the image",
            { b in
                _ = try b.convolution(b.input, named: "node", channels: 2, kernelSize: 3, dilation: 3)
            }
        ),
        ("no kernel", { b in _ = try b.convolution(b.input, named: "node", channels: 2, kernelSize: 0) }),
        ("negative kernel", { b in _ = try b.convolution(b.input, named: "node", channels: 2, kernelSize: -1) }),
        ("no stride", { b in _ = try b.convolution(b.input, named: "node", channels: 2, kernelSize: 1, stride: 0) }),
        (
            "no dilation",
            { b in
                _ = try b.convolution(b.input, named: "node", channels: 2, kernelSize: 1, dilation: 0)
            }
        ),
        (
            "negative padding",
            { b in
                _ = try b.convolution(b.input, named: "node", channels: 2, kernelSize: 1, padding: -1)
            }
        ),
        ("no output channels", { b in _ = try b.convolution(b.input, named: "node", channels: 0, kernelSize: 1) }),
        ("no groups", { b in _ = try b.convolution(b.input, named: "node", channels: 4, kernelSize: 1, groups: 0) }),
        (
            "groups that do not divide the inputs",
            { b in
                _ = try b.convolution(b.input, named: "node", channels: 6, kernelSize: 1, groups: 3)
            }
        ),
        (
            "groups that do not divide the outputs",
            { b in
                _ = try b.convolution(b.input, named: "node", channels: 6, kernelSize: 1, groups: 4)
            }
        ),
        (
            "convolution of a vector",
            { b in
                let x = try b.flatten(b.input, named: "flat")
                _ = try b.convolution(x, named: "node", channels: 2, kernelSize: 1)
            }
        ),
        (
            "convolution of two images",
            { b in
                _ = try b.add(Convolution(outputChannels: 2, kernelSize: 1), named: "node", b.input, b.input)
            }
        ),
        ("batch norm of nothing", { b in _ = try b.add(BatchNormalization(), named: "node", []) }),
        ("batch norm of two values", { b in _ = try b.add(BatchNormalization(), named: "node", b.input, b.input) }),
        ("ReLU of two values", { b in _ = try b.add(ReLU(), named: "node", b.input, b.input) }),
        ("ReLU with a ceiling of 0", { b in _ = try b.add(ReLU(ceiling: 0), named: "node", b.input) }),
        (
            "ReLU with an undefined ceiling",
            { b in
                _ = try b.add(ReLU(ceiling: .nan), named: "node", b.input)
            }
        ),
        ("pooling window larger than the image", { b in _ = try b.maxPool(b.input, named: "node", kernelSize: 9) }),
        ("pooling without a stride", { b in _ = try b.maxPool(b.input, named: "node", kernelSize: 2, stride: 0) }),
        ("pooling without a window", { b in _ = try b.averagePool(b.input, named: "node", kernelSize: 0, stride: 1) }),
        (
            "pooling with more padding than half a window",
            { b in
                _ = try b.averagePool(b.input, named: "node", kernelSize: 3, padding: 2)
            }
        ),
        (
            "pooling with negative padding",
            { b in
                _ = try b.maxPool(b.input, named: "node", kernelSize: 3, padding: -1)
            }
        ),
        (
            "pooling of a vector",
            { b in
                let x = try b.flatten(b.input, named: "flat")
                _ = try b.maxPool(x, named: "node", kernelSize: 1)
            }
        ),
        (
            "global average of a vector",
            { b in
                let x = try b.flatten(b.input, named: "flat")
                _ = try b.globalAveragePool(x, named: "node")
            }
        ),
        ("linear layer without outputs", { b in _ = try b.linear(b.input, named: "node", outputs: 0) }),
        ("linear layer of two values", { b in _ = try b.add(Linear(outputs: 2), named: "node", b.input, b.input) }),
        (
            "sum of different shapes",
            { b in
                let x = try b.convolution(b.input, named: "other", channels: 3, kernelSize: 1)
                _ = try b.add(b.input, x, named: "node")
            }
        ),
        ("sum of one value", { b in _ = try b.add(Add(), named: "node", b.input) }),
        ("concatenation of nothing", { b in _ = try b.concat([], named: "node") }),
        (
            "concatenation of different sizes",
            { b in
                let x = try b.maxPool(b.input, named: "other", kernelSize: 2)
                _ = try b.concat([b.input, x], named: "node")
            }
        ),
        ("flattening of two values", { b in _ = try b.add(Flatten(), named: "node", b.input, b.input) }),
        ("dropout of everything", { b in _ = try b.dropout(b.input, named: "node", probability: 1) }),
        (
            "dropout with a negative probability",
            { b in
                _ = try b.dropout(b.input, named: "node", probability: -0.1)
            }
        ),
        (
            "dropout with an undefined probability",
            { b in
                _ = try b.dropout(b.input, named: "node", probability: .nan)
            }
        ),
        (
            "a name that is taken",
            { b in
                _ = try b.relu(b.input, named: "node")
                _ = try b.relu(b.input, named: "node")
            }
        ),
        (
            "a value of another builder",
            { b in
                var other = GraphBuilder(inputShape: [8, 6, 4])
                let x = try other.relu(other.input, named: "first")
                let y = try other.relu(x, named: "second")
                _ = try b.relu(y, named: "node")
            }
        ),
    ]

    @Test("misuses name the node", arguments: misuses.indices)
    func misusesNameTheNode(_ index: Int) throws {
        let (what, build) = Self.misuses[index]
        var builder = GraphBuilder(inputShape: [8, 6, 4])
        let error = #expect(throws: ShapeError.self, "\(what)") { try build(&builder) }
        #expect(error?.place == "node", "\(what)")
        #expect(error.map { "\($0)".hasPrefix("node: ") && $0.message.count > 20 } == true, "\(what)")
    }

    @Test("images without pixels are refused", arguments: [[0, 6, 4], [8, 0, 4], [8, 6, 0]] as [TensorShape])
    func imagesWithoutPixelsAreRefused(_ shape: TensorShape) {
        var builder = GraphBuilder(inputShape: shape)
        let error = #expect(throws: ShapeError.self) {
            try builder.convolution(builder.input, named: "node", channels: 2, kernelSize: 1)
        }
        #expect(error?.place == "node")
    }

    @Test("graphs need a node") func graphsNeedANode() {
        #expect(throws: ShapeError.self) { try GraphBuilder(inputShape: [1]).graph() }
    }

    /// After an error the builder is as it was: the name is free, and the next node gets the right shape.
    @Test("builder survives an error") func builderSurvivesAnError() throws {
        var builder = GraphBuilder(inputShape: [8, 6, 4])
        #expect(throws: ShapeError.self) {
            try builder.convolution(builder.input, named: "node", channels: 2, kernelSize: 99)
        }
        let x = try builder.convolution(builder.input, named: "node", channels: 2, kernelSize: 3)
        #expect(builder.shape(of: x) == [6, 4, 2])
        #expect(try builder.graph().nodes.map(\.name) == ["node"])
    }

    @Test(
        "architectures pass errors on",
        arguments: [("resnet18", [2, 2, 3]), ("allcnn", [32, 32])] as [(String, TensorShape)])
    func architecturesPassErrorsOn(_ name: String, _ shape: TensorShape) throws {
        let architecture = try Architectures.named(ArchitectureIdentifier(name: name))
        if shape.rank == 3 {
            // Padding makes up for small images: the network shrinks to one pixel and still has an output.
            #expect(try architecture.graph(inputShape: shape, classes: 4).outputShape == [4])
            #expect(throws: ShapeError.self) { try architecture.graph(inputShape: shape, classes: 0) }
        } else {
            let error = #expect(throws: ShapeError.self) { try architecture.graph(inputShape: shape, classes: 4) }
            #expect(error?.place == "features.0.0")
        }
    }

    @Test("patches cut images up", arguments: [[32, 32], [33, 32, 3], [8, 8, 3]] as [TensorShape])
    func patchesCutImagesUp(_ shape: TensorShape) {
        let error = #expect(throws: ShapeError.self) {
            try VisionTransformer(.tiny).graph(inputShape: shape, classes: 4)
        }
        #expect(error?.place == "patch_embed.proj")
    }
}
