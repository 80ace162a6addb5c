/// Vision Transformer (Dosovitskiy et al. 2021) with a class token and learned positions, normalized before attention
/// and MLP. Parameters are called as timm's `vit_*_patch*` or as torchvision's `vit_b_16`.
public struct VisionTransformer: Architecture {
    /// The sizes that have names.
    public enum Size: String, Sendable, CaseIterable {
        /// 192 features, 3 heads
        case tiny
        /// 384 features, 6 heads
        case small
        /// 768 features, 12 heads
        case base
    }

    /// Whose parameter names are used.
    public enum Names: String, Sendable, CaseIterable {
        /// `blocks.0.attn.qkv.weight`
        case timm
        /// `encoder.layers.encoder_layer_0.self_attention.in_proj_weight`
        case torchvision
    }

    /// The size that the others differ from, if they do.
    public let size: Size
    /// The features of a token.
    public var width: Int
    /// The number of blocks.
    public var depth: Int
    /// The heads of each attention; they divide the features.
    public var heads: Int
    /// Height and width of a patch in pixels; it divides the image's.
    public var patch: Int
    /// Whose parameter names are used.
    public var names: Names

    /// Describes a Vision Transformer of 12 blocks; change its fields for other ones.
    public init(_ size: Size = .tiny, patch: Int = 16, names: Names = .timm) {
        self.size = size
        self.patch = patch
        self.names = names
        width = size.width
        depth = 12
        heads = size.width / 64
    }

    public var identifier: ArchitectureIdentifier {
        var options = ["patch": "\(patch)"]
        let standard = VisionTransformer(size)
        if names != standard.names { options["names"] = names.rawValue }
        if width != standard.width { options["width"] = "\(width)" }
        if depth != standard.depth { options["depth"] = "\(depth)" }
        if heads != standard.heads { options["heads"] = "\(heads)" }
        return ArchitectureIdentifier(name: "vit-\(size.rawValue)", options: options)
    }

    public func graph(inputShape: TensorShape, classes: Int) throws(ShapeError) -> Graph {
        var builder = GraphBuilder(inputShape: inputShape)
        let keys = TransformerKeys(names)
        guard inputShape.rank == 3, patch > 0, inputShape[0] % patch == 0, inputShape[1] % patch == 0, depth >= 0 else {
            throw ShapeError(
                keys.patches,
                "patches of \(patch)x\(patch) do not cut up an image of \(inputShape); choose a size that they divide")
        }
        var x = try builder.convolution(
            builder.input, named: keys.patches, channels: width, kernelSize: Size2D(patch), stride: Size2D(patch))
        x = try builder.reshape(x, named: "tokens", shape: [builder.shape(of: x).positions, width])
        let token = try builder.parameterValue(
            named: "class_token", shape: [1, 1, width], initializer: .normal(standardDeviation: 1e-6), key: keys.token)
        let first = try builder.reshape(token, named: "class_token.row", shape: [1, width])
        x = try builder.concat([first, x], named: "sequence", axis: 0)
        x = try builder.add(
            ParametricArithmetic(
                .addition, shape: TensorShape([1] + builder.shape(of: x).dimensions),
                initializer: .normal(standardDeviation: 0.02)),
            named: "positions", [x], keys: ["weight": keys.positions])
        for index in 0..<depth { x = try block(&builder, x, keys.block(index)) }
        x = try builder.slice(x, named: "class_token.out", axis: 0, start: 0, count: 1)
        x = try builder.reshape(x, named: "features", shape: [width])
        x = try builder.layerNormalization(x, named: keys.norm, epsilon: 1e-6)
        _ = try linear(&builder, x, keys.head, outputs: classes)
        return try builder.graph()
    }

    /// x + attention(norm(x)), then x + MLP(norm(x)).
    private func block(
        _ builder: inout GraphBuilder, _ input: Graph.Value, _ keys: TransformerKeys.Block
    ) throws(ShapeError) -> Graph.Value {
        var y = try builder.layerNormalization(input, named: keys.norm1, epsilon: 1e-6)
        y = try linear(&builder, y, keys.qkv, outputs: 3 * width, keys: keys.qkvKeys)
        y = try builder.attention(y, named: "\(keys.name).attention", heads: heads)
        y = try linear(&builder, y, keys.projection, outputs: width)
        let x = try builder.add(input, y, named: "\(keys.name).add1")
        y = try builder.layerNormalization(x, named: keys.norm2, epsilon: 1e-6)
        y = try linear(&builder, y, keys.mlp1, outputs: 4 * width)
        y = try builder.pointwise(y, named: "\(keys.name).gelu", .gelu)
        y = try linear(&builder, y, keys.mlp2, outputs: width)
        return try builder.add(x, y, named: "\(keys.name).add2")
    }

    private func linear(
        _ builder: inout GraphBuilder, _ input: Graph.Value, _ name: String, outputs: Int, keys: [String: String] = [:]
    ) throws(ShapeError) -> Graph.Value {
        try builder.add(
            Linear(outputs: outputs, initializer: .normal(standardDeviation: 0.02), biasInitializer: .constant(0)),
            named: name,
            [input], keys: keys)
    }

    public func dimensions(
        fromStateDictionary shapes: [String: TensorShape]
    ) throws(ArchitectureError) -> (channels: Int, classes: Int) {
        let keys = TransformerKeys(names)
        let stem = try shapes.shape("\(keys.patches).weight", rank: 4, architecture: identifier.name)
        let head = try shapes.shape("\(keys.head).weight", rank: 2, architecture: identifier.name)
        return (stem[1], head[0])
    }
}

extension VisionTransformer {
    /// The Vision Transformer of a name and its options; nil if the name is another network's. torchvision's and timm's
    /// names are known too: `vit_b_16`, `vit_tiny_patch16_224`.
    init?(_ identifier: ArchitectureIdentifier) throws(ArchitectureError) {
        let name = identifier.name.lowercased()
        var standard: VisionTransformer?
        for size in Size.allCases {
            if name == "vit-\(size.rawValue)" { standard = VisionTransformer(size) }
            for patch in [8, 16, 32] {
                if name.hasPrefix("vit_\(size.rawValue)_patch\(patch)") {
                    standard = VisionTransformer(size, patch: patch)
                }
                if size == .base, name == "vit_b_\(patch)" {
                    standard = VisionTransformer(.base, patch: patch, names: .torchvision)
                }
            }
        }
        guard var network = standard else { return nil }
        try identifier.allowOptions(["patch", "names", "width", "depth", "heads"])
        network.patch = try identifier.option("patch", default: network.patch, in: 1...1024)
        network.names = try identifier.option("names", default: network.names)
        network.width = try identifier.option("width", default: network.width, in: 1...16384)
        network.depth = try identifier.option("depth", default: network.depth, in: 0...1024)
        network.heads = try identifier.option("heads", default: network.heads, in: 1...1024)
        self = network
    }
}

extension VisionTransformer.Size {
    var width: Int {
        switch self {
        case .tiny: 192
        case .small: 384
        case .base: 768
        }
    }
}

/// The names of a Vision Transformer's layers.
private struct TransformerKeys {
    /// The names in one block.
    struct Block {
        let name: String
        let norm1: String
        let qkv: String
        let qkvKeys: [String: String]
        let projection: String
        let norm2: String
        let mlp1: String
        let mlp2: String
    }

    let names: VisionTransformer.Names

    init(_ names: VisionTransformer.Names) { self.names = names }

    var patches: String { names == .timm ? "patch_embed.proj" : "conv_proj" }
    var token: String { names == .timm ? "cls_token" : "class_token" }
    var positions: String { names == .timm ? "pos_embed" : "encoder.pos_embedding" }
    var norm: String { names == .timm ? "norm" : "encoder.ln" }
    var head: String { names == .timm ? "head" : "heads.head" }

    func block(_ index: Int) -> Block {
        switch names {
        case .timm:
            let name = "blocks.\(index)"
            return Block(
                name: name, norm1: "\(name).norm1", qkv: "\(name).attn.qkv", qkvKeys: [:],
                projection: "\(name).attn.proj", norm2: "\(name).norm2", mlp1: "\(name).mlp.fc1",
                mlp2: "\(name).mlp.fc2")
        case .torchvision:
            let name = "encoder.layers.encoder_layer_\(index)"
            let attention = "\(name).self_attention"
            return Block(
                name: name, norm1: "\(name).ln_1", qkv: "\(attention).in_proj",
                qkvKeys: ["weight": "\(attention).in_proj_weight", "bias": "\(attention).in_proj_bias"],
                projection: "\(attention).out_proj", norm2: "\(name).ln_2", mlp1: "\(name).mlp.0",
                mlp2: "\(name).mlp.3")
        }
    }
}
