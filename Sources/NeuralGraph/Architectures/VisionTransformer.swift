/// Vision Transformer (Dosovitskiy et al. 2021) with a class token, learned positions, and normalization before each part.
///
/// Parameters have the names of timm's `vit_*_patch*` or of torchvision's `vit_b_16`.
public struct VisionTransformer: Architecture {
    /// A named size, with 64 features per head.
    public enum Size: String, Sendable, CaseIterable {
        /// 192 features, 3 heads
        case tiny
        /// 384 features, 6 heads
        case small
        /// 768 features, 12 heads
        case base
    }

    /// The library whose parameter names are used.
    public enum Names: String, Sendable, CaseIterable {
        /// `blocks.0.attn.qkv.weight`
        case timm
        /// `encoder.layers.encoder_layer_0.self_attention.in_proj_weight`
        case torchvision
    }

    /// The named size, whose settings the other properties may change.
    package let size: Size
    /// The number of features of a token.
    public var width: Int
    /// The number of blocks.
    public var depth: Int
    /// The number of attention heads, which divides the number of features.
    public var heads: Int
    /// The height and width of a patch in pixels, which divide the image's.
    package var patch: Int
    /// The library whose parameter names are used.
    package var names: Names

    /// Describes a Vision Transformer of 12 blocks; set its properties for other sizes.
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

    public var endTensors: (first: String, last: String) {
        let keys = TransformerKeys(names)
        return ("\(keys.patches).weight", "\(keys.head).weight")
    }

    public func graph(inputShape: TensorShape, classes: Int) throws(ShapeError) -> Graph {
        var net = GraphBuilder(inputShape: inputShape)
        let keys = TransformerKeys(names)
        guard inputShape.rank == 3, patch > 0, inputShape[0] % patch == 0, inputShape[1] % patch == 0, depth >= 0 else {
            throw ShapeError(
                keys.patches,
                "patches of \(patch)x\(patch) do not cut up an image of \(inputShape); choose a size that they divide")
        }
        var x = try net.convolution(
            net.input, named: keys.patches, channels: width, kernelSize: Size2D(patch), stride: Size2D(patch))
        x = try net.reshape(x, named: "tokens", shape: [net.shape(of: x).positions, width])
        let token = try net.parameterValue(
            named: "class_token", shape: [1, 1, width], initializer: .normal(standardDeviation: 1e-6), key: keys.token)
        let first = try net.reshape(token, named: "class_token.row", shape: [1, width])
        x = try net.concat([first, x], named: "sequence", axis: 0)
        x = try net.add(
            ParametricArithmetic(
                .addition, shape: TensorShape([1] + net.shape(of: x).dimensions),
                initializer: .normal(standardDeviation: 0.02)),
            named: "positions", [x], keys: ["weight": keys.positions])
        for index in 0..<depth {
            x = try net.scope(keys.block(index)) { net in try block(&net, x, keys) }
        }
        x = try net.slice(x, named: "class_token.out", axis: 0, start: 0, count: 1)
        x = try net.reshape(x, named: "features", shape: [width])
        x = try net.layerNormalization(x, named: keys.norm, epsilon: 1e-6)
        _ = try linear(&net, x, keys.head, outputs: classes)
        return try net.graph()
    }

    /// x + attention(norm(x)), then x + MLP(norm(x)).
    private func block(
        _ net: inout GraphBuilder, _ input: Graph.Value, _ keys: TransformerKeys
    ) throws(ShapeError) -> Graph.Value {
        var y = try net.layerNormalization(input, named: keys.norm1, epsilon: 1e-6)
        y = try linear(&net, y, keys.qkv, outputs: 3 * width, keys: keys.qkvKeys)
        y = try net.attention(y, named: "attention", heads: heads)
        y = try linear(&net, y, keys.projection, outputs: width)
        let x = try net.add(input, y, named: "add1")
        y = try net.layerNormalization(x, named: keys.norm2, epsilon: 1e-6)
        y = try linear(&net, y, keys.mlp1, outputs: 4 * width)
        y = try net.pointwise(y, named: "gelu", .gelu)
        y = try linear(&net, y, keys.mlp2, outputs: width)
        return try net.add(x, y, named: "add2")
    }

    private func linear(
        _ net: inout GraphBuilder, _ input: Graph.Value, _ name: String, outputs: Int, keys: [String: String] = [:]
    ) throws(ShapeError) -> Graph.Value {
        try net.add(
            Linear(outputs: outputs, initializer: .normal(standardDeviation: 0.02), biasInitializer: .constant(0)),
            named: name, [input], keys: keys)
    }
}

extension VisionTransformer: RegisteredArchitecture {
    package static var names: [String] { Size.allCases.map { "vit-\($0.rawValue)" } }

    /// torchvision's and timm's names are known too: `vit_b_16`, `vit_tiny_patch16_224`.
    package init?(_ identifier: ArchitectureIdentifier) throws(ArchitectureError) {
        guard var network = Self.standard(identifier.name.lowercased()) else { return nil }
        try identifier.allowOptions(["patch", "names", "width", "depth", "heads"])
        network.patch = try identifier.option("patch", default: network.patch, in: 1...1024)
        network.names = try identifier.option("names", default: network.names)
        network.width = try identifier.option("width", default: network.width, in: 1...16384)
        network.depth = try identifier.option("depth", default: network.depth, in: 0...1024)
        network.heads = try identifier.option("heads", default: network.heads, in: 1...1024)
        self = network
    }

    private static func standard(_ name: String) -> VisionTransformer? {
        for size in Size.allCases {
            if name == "vit-\(size.rawValue)" { return VisionTransformer(size) }
            for patch in [8, 16, 32] {
                if name.hasPrefix("vit_\(size.rawValue)_patch\(patch)") { return VisionTransformer(size, patch: patch) }
                if size == .base, name == "vit_b_\(patch)" {
                    return VisionTransformer(.base, patch: patch, names: .torchvision)
                }
            }
        }
        return nil
    }
}

extension VisionTransformer.Size {
    fileprivate var width: Int {
        switch self {
        case .tiny: 192
        case .small: 384
        case .base: 768
        }
    }
}

/// The names of a Vision Transformer's layers; those within a block come after the block's own.
private struct TransformerKeys {
    private let isTimm: Bool

    init(_ names: VisionTransformer.Names) { isTimm = names == .timm }

    var patches: String { isTimm ? "patch_embed.proj" : "conv_proj" }
    var token: String { isTimm ? "cls_token" : "class_token" }
    var positions: String { isTimm ? "pos_embed" : "encoder.pos_embedding" }
    var norm: String { isTimm ? "norm" : "encoder.ln" }
    var head: String { isTimm ? "head" : "heads.head" }

    func block(_ index: Int) -> String { isTimm ? "blocks.\(index)" : "encoder.layers.encoder_layer_\(index)" }
    var norm1: String { isTimm ? "norm1" : "ln_1" }
    var qkv: String { isTimm ? "attn.qkv" : "self_attention.in_proj" }
    /// torchvision joins the layer's name and the tensor's by an underscore.
    var qkvKeys: [String: String] { isTimm ? [:] : ["weight": "\(qkv)_weight", "bias": "\(qkv)_bias"] }
    var projection: String { isTimm ? "attn.proj" : "self_attention.out_proj" }
    var norm2: String { isTimm ? "norm2" : "ln_2" }
    var mlp1: String { isTimm ? "mlp.fc1" : "mlp.0" }
    var mlp2: String { isTimm ? "mlp.fc2" : "mlp.3" }
}
