package squall.format;

import java.util.Arrays;
import java.util.Map;
import java.util.stream.Collectors;
import squall.quant.Format;

/** Type numbers of GGUF tensors: what we read, and names for what we do not. */
final class GgmlTypes {
    private static final Map<Long, Format> READ = Arrays.stream(Format.values())
            .filter(f -> f.ggmlType >= 0).collect(Collectors.toMap(f -> (long) f.ggmlType, f -> f));

    private static final Map<Long, String> NOT_READ = Map.ofEntries(
            Map.entry(9L, "Q8_1"), Map.entry(15L, "Q8_K"), Map.entry(16L, "IQ2_XXS"), Map.entry(17L, "IQ2_XS"),
            Map.entry(18L, "IQ3_XXS"), Map.entry(19L, "IQ1_S"), Map.entry(21L, "IQ3_S"), Map.entry(22L, "IQ2_S"),
            Map.entry(24L, "I8"), Map.entry(25L, "I16"), Map.entry(26L, "I32"), Map.entry(27L, "I64"),
            Map.entry(28L, "F64"), Map.entry(29L, "IQ1_M"), Map.entry(34L, "TQ1_0"), Map.entry(35L, "TQ2_0"),
            Map.entry(40L, "NVFP4"), Map.entry(41L, "Q1_0"));

    private GgmlTypes() {}

    /** @throws ModelFileException for a type that is not read, by number, by name if it has one, and what to use instead */
    static Format format(long type, String tensor, Cursor in) {
        Format f = READ.get(type);
        if (f != null) return f;
        String name = NOT_READ.get(type);
        throw in.wrong("type of tensor " + tensor, in.position() - 4,
                "one of " + Arrays.stream(Format.values()).filter(x -> x.ggmlType >= 0).map(Format::name)
                        .collect(Collectors.joining(" ")),
                "type " + type + (name == null ? ", which is unknown" : " (" + name + "), which is not supported")
                        + ". Use a file quantised as Q4_K_M or Q8_0 instead");
    }
}
