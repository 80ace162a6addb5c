import ModelFiles
import TestSupport
import Testing

@Suite("Scalar conversion", .tags(.files)) struct ScalarConversionTests {
    #if !(os(macOS) && arch(x86_64))
        @Test("every half is exact") func everyHalfIsExact() {
            let wrong = (UInt16.min...UInt16.max).filter { bits in
                let expected = Float(Float16(bitPattern: bits))
                let value = float(fromHalf: bits)
                return value.bitPattern != expected.bitPattern && !(value.isNaN && expected.isNaN)
            }
            #expect(wrong.isEmpty)
        }
    #endif

    @Test("every brain float is the upper half") func everyBrainFloatIsTheUpperHalf() {
        let wrong = (UInt16.min...UInt16.max).filter { float(fromBrain: $0).bitPattern != UInt32($0) << 16 }
        #expect(wrong.isEmpty)
    }
}
