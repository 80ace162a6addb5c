import NeuralGraph

extension AuditFigures {
    /// Changes the numbers of one layer, which is put in its place between input and output if it is new.
    /// - Parameter graph: the network that the layer is a node of.
    mutating func updateLayer(_ name: String, of graph: Graph, _ change: (inout LayerFigure) -> Void) {
        if let index = layers.firstIndex(where: { $0.name == name }) {
            change(&layers[index])
            return
        }
        let order = Dictionary(graph.nodes.enumerated().map { ($1.name, $0) }) { first, _ in first }
        let place = order[name] ?? graph.nodes.count
        var layer = LayerFigure(name: name)
        change(&layer)
        let next = layers.firstIndex { (order[$0.name] ?? graph.nodes.count) > place }
        layers.insert(layer, at: next ?? layers.count)
    }
}
