/// Points with a name, drawn as a line or one by one.
package struct PointSeries: Sendable {
    /// The name in the legend.
    package var name: String
    /// The horizontal values.
    package var x: [Double]
    /// The vertical values.
    package var y: [Double]

    /// Creates a series; the longer list is cut.
    package init(_ name: String, x: [Double], y: [Double]) {
        self.name = name
        self.x = x
        self.y = y
    }

    /// Creates a series over 1, 2, 3 and so on.
    package init(_ name: String, y: [Double]) {
        self.init(name, x: y.indices.map { Double($0 + 1) }, y: y)
    }
}
