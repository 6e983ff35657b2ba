package squall.format;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import squall.quant.Format;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/**
 * One .safetensors file, read and checked whole. Layout, little-endian:
 * <pre>
 *   u64 n | n bytes of JSON { name: { "dtype", "shape", "data_offsets": [begin, end] }, "__metadata__": {} } | data
 * </pre>
 * Offsets count from the end of the JSON; the tensors fill the data without gaps or overlaps.
 *
 * @param tensors in header order, vision and prediction tensors of types that are not read left out
 */
record SafetensorsPart(String file, List<RawTensor> tensors) {
    static final long MAX_HEADER_BYTES = 100_000_000;
    private static final int MAX_DIMS = 8;

    /** Bits of one element of every dtype of the container. */
    private static final Map<String, Integer> BITS = Map.ofEntries(
            Map.entry("F64", 64), Map.entry("F32", 32), Map.entry("F16", 16), Map.entry("BF16", 16),
            Map.entry("F8_E4M3", 8), Map.entry("F8_E5M2", 8), Map.entry("F8_E8M0", 8), Map.entry("F4", 4),
            Map.entry("I64", 64), Map.entry("I32", 32), Map.entry("I16", 16), Map.entry("I8", 8),
            Map.entry("U64", 64), Map.entry("U32", 32), Map.entry("U16", 16), Map.entry("U8", 8), Map.entry("BOOL", 8));

    private static final Map<String, Format> READ = Arrays.stream(Format.values())
            .filter(f -> BITS.containsKey(f.name())).collect(Collectors.toMap(Format::name, f -> f));

    private record Info(String name, String dtype, long[] shape, long begin, long end) {}

    static SafetensorsPart read(MemorySegment data, String file) {
        if (data.byteSize() < 10 || Magic.isGguf(data))
            throw ModelFileException.mismatch(file, "first bytes", "a safetensors header", Magic.describe(data));
        Cursor in = new Cursor(data, file);
        long n = in.i64("header length");
        if (n < 2 || n > data.byteSize() - 8 || n > MAX_HEADER_BYTES)
            throw in.wrong("header length", 0, "2 to " + Math.min(data.byteSize() - 8, MAX_HEADER_BYTES) + " bytes",
                    Long.toUnsignedString(n) + (data.get(ValueLayout.JAVA_BYTE, 8) == '{' ? "; the file is truncated" : "; what is there is " + Magic.describe(data)));
        byte[] header = in.bytes(n, "header");
        if (header[0] != '{') throw in.wrong("header", 8, "a JSON object", Magic.describe(data));
        List<Info> infos = parse(header, file);
        MemorySegment content = data.asSlice(8 + n);
        checkLayout(infos, content.byteSize(), file);
        List<RawTensor> tensors = new ArrayList<>();
        for (Info t : infos) {
            Format format = READ.get(t.dtype);
            if (format != null)
                tensors.add(new RawTensor(t.name, format, t.shape, content.asSlice(t.begin, t.end - t.begin), file));
            else if (!Names.isIgnored(t.name))
                throw ModelFileException.mismatch(file, "dtype of tensor " + t.name, String.join(", ", READ.keySet().stream()
                        .sorted().toList()), t.dtype + ". Use an unquantised (BF16) or FP8 checkpoint, or a GGUF file");
        }
        return new SafetensorsPart(file, tensors);
    }

    private static List<Info> parse(byte[] header, String file) {
        List<Info> infos = new ArrayList<>();
        try (JsonParser p = Json.parser(header, file)) {
            p.nextToken();
            while (p.nextToken() != JsonToken.END_OBJECT) {
                String name = p.currentName();
                expect(p.nextToken(), JsonToken.START_OBJECT, name, file);
                if (name.equals("__metadata__")) p.skipChildren();
                else infos.add(info(p, name, file));
            }
            if (p.nextToken() != null)
                throw ModelFileException.mismatch(file, "header", "one JSON object", "more text after it");
        } catch (JacksonException e) {
            throw Json.malformed(file + " (header)", e);
        }
        return infos;
    }

    private static Info info(JsonParser p, String name, String file) {
        String dtype = null;
        long[] shape = null;
        long[] offsets = null;
        while (p.nextToken() != JsonToken.END_OBJECT) {
            String field = p.currentName();
            JsonToken value = p.nextToken();
            switch (field) {
                case "dtype" -> {
                    expect(value, JsonToken.VALUE_STRING, name, file);
                    dtype = p.getString();
                }
                case "shape" -> shape = numbers(p, name, file, MAX_DIMS);
                case "data_offsets" -> offsets = numbers(p, name, file, 2);
                default -> throw ModelFileException.mismatch(file, "tensor " + name, "dtype, shape and data_offsets",
                        "a field " + field);
            }
        }
        if (dtype == null || shape == null || offsets == null || offsets.length != 2)
            throw ModelFileException.mismatch(file, "tensor " + name, "dtype, shape and two data_offsets", "less");
        return new Info(name, dtype, shape, offsets[0], offsets[1]);
    }

    private static long[] numbers(JsonParser p, String name, String file, int max) {
        expect(p.currentToken(), JsonToken.START_ARRAY, name, file);
        long[] result = new long[max];
        int n = 0;
        while (p.nextToken() != JsonToken.END_ARRAY) {
            expect(p.currentToken(), JsonToken.VALUE_NUMBER_INT, name, file);
            if (n == max) throw ModelFileException.mismatch(file, "tensor " + name, "at most " + max + " numbers", "more");
            long v = p.getLongValue();
            if (v < 0) throw ModelFileException.mismatch(file, "tensor " + name, "numbers of at least 0", v);
            result[n++] = v;
        }
        return Arrays.copyOf(result, n);
    }

    private static void expect(JsonToken found, JsonToken expected, String name, String file) {
        if (found != expected) throw ModelFileException.mismatch(file, "header entry " + name, expected, found);
    }

    private static void checkLayout(List<Info> infos, long size, String file) {
        for (Info t : infos) checkSize(t, file);
        List<Info> byOffset = new ArrayList<>(infos);
        byOffset.sort(Comparator.comparingLong(Info::begin).thenComparingLong(Info::end));
        long end = 0;
        for (Info t : byOffset) {
            if (t.begin != end)
                throw ModelFileException.mismatch(file, "data of tensor " + t.name, "an offset of " + end
                        + ", where the tensor before it ends", t.begin + "; tensors " + (t.begin < end ? "overlap" : "leave a gap"));
            end = t.end;
        }
        if (end != size)
            throw ModelFileException.mismatch(file, "tensor data", end + " bytes, as the header says",
                    size + (end > size ? "; the file is truncated" : "; there is more after the last tensor"));
    }

    private static void checkSize(Info t, String file) {
        Integer bits = BITS.get(t.dtype);
        if (bits == null)
            throw ModelFileException.mismatch(file, "dtype of tensor " + t.name, "a dtype of safetensors", t.dtype);
        long elements = 1;
        for (long d : t.shape) {
            if (d == 0) throw ModelFileException.mismatch(file, "shape of tensor " + t.name, "sizes above 0", 0);
            if (d > (Long.MAX_VALUE >> 7) / elements)
                throw ModelFileException.mismatch(file, "shape of tensor " + t.name, "fewer than 2^56 elements", "more");
            elements *= d;
        }
        long found = t.end - t.begin; // neither is negative
        if (elements * bits % 8 != 0 || found != elements * bits / 8)
            throw ModelFileException.mismatch(file, "data of tensor " + t.name, elements * bits / 8 + " bytes for "
                    + t.dtype + " " + Arrays.toString(t.shape), found);
    }
}
