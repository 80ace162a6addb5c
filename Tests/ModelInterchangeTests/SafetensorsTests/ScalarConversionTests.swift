import Testing

@testable import ModelInterchange

@Suite struct ScalarConversionTests {
    #if !(os(macOS) && arch(x86_64))
        @Test func everyHalfIsExact() {
            let wrong = (UInt16.min...UInt16.max).filter { bits in
                let expected = Float(Float16(bitPattern: bits))
                let value = float(fromHalf: bits)
                return value.bitPattern != expected.bitPattern && !(value.isNaN && expected.isNaN)
            }
            #expect(wrong.isEmpty)
        }
    #endif

    @Test func everyBrainFloatIsTheUpperHalf() {
        let wrong = (UInt16.min...UInt16.max).filter { float(fromBrain: $0).bitPattern != UInt32($0) << 16 }
        #expect(wrong.isEmpty)
    }
}
