package squall.format;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import squall.quant.Format;
import squall.quant.UnreadFormat;

/**
 * One GGUF file, read and checked whole. Layout, little-endian:
 * <pre>
 *   "GGUF" | u32 version | u64 tensors | u64 pairs
 *   pairs x   { string key | u32 type | value }                   string: u64 length | UTF-8 bytes
 *   tensors x { string name | u32 n | u64 dims[n] | u32 type | u64 offset }       dims: fastest first
 *   zeros up to a multiple of general.alignment | tensor data, offsets from here
 * </pre>
 *
 * @param tensors in file order, vision and prediction tensors of types that are not read left out
 */
record GgufPart(String file, Map<String, Object> metadata, List<RawTensor> tensors) {
    private static final long MAX_NAME_BYTES = 65_535;
    private static final long MAX_STRING_BYTES = 1L << 28;
    /** Key length, one byte of key, type, one byte of value. */
    private static final long MIN_PAIR_BYTES = 8 + 1 + 4 + 1;
    /** Name length, one byte of name, dimension count, one dimension, type, offset. */
    private static final long MIN_TENSOR_BYTES = 8 + 1 + 4 + 8 + 4 + 8;
    private static final int MAX_DIMS = 4;
    private static final long DEFAULT_ALIGNMENT = 32;
    private static final long MAX_ALIGNMENT = 1 << 20;

    /** A tensor's description before its data is looked up; format is null for one that is not run and cannot be read. */
    private record Info(String name, Format format, long[] shape, long bytes, long offset) {}

    static GgufPart read(MemorySegment data, String file) {
        Cursor in = new Cursor(data, file);
        Magic.requireGguf(data, file);
        in.bytes(4, "magic");
        long version = in.u32("version");
        if (version != 2 && version != 3)
            throw in.wrong("version", 4, "GGUF version 2 or 3", version + Magic.versionHint(version));
        long tensors = in.count("number of tensors", MIN_TENSOR_BYTES);
        long pairs = in.count("number of key-value pairs", MIN_PAIR_BYTES);
        Map<String, Object> metadata = readPairs(in, pairs, file);
        List<Info> infos = new ArrayList<>();
        for (long i = 0; i < tensors; i++) infos.add(readInfo(in, i));
        long alignment = alignment(new Metadata(file, "", metadata));
        long start = in.position() + (alignment - in.position() % alignment) % alignment;
        return new GgufPart(file, metadata, locate(infos, data, start, alignment, file));
    }

    private static Map<String, Object> readPairs(Cursor in, long pairs, String file) {
        Map<String, Object> metadata = new LinkedHashMap<>();
        for (long i = 0; i < pairs; i++) {
            long at = in.position();
            String key = in.string("key " + i, MAX_NAME_BYTES);
            if (key.isEmpty()) throw in.wrong("key " + i, at, "a name", "an empty one");
            if (metadata.containsKey(key))
                throw ModelFileException.mismatch(file, "key " + key, "each key once", "it twice");
            metadata.put(key, readValue(in, key));
        }
        return metadata;
    }

    private static Object readValue(Cursor in, String key) {
        ValueType type = readType(in, "type of key " + key);
        return switch (type) {
            case STRING -> in.string("value of key " + key, MAX_STRING_BYTES);
            case ARRAY -> readArray(in, key);
            default -> number(in, key, type, 1).getFirst();
        };
    }

    private static List<?> readArray(Cursor in, String key) {
        long at = in.position();
        ValueType type = readType(in, "element type of key " + key);
        if (type == ValueType.ARRAY)
            throw in.wrong("key " + key, at, "an array of numbers, booleans or strings", "an array of arrays");
        if (type != ValueType.STRING) return number(in, key, type, in.count("length of key " + key, type.bytes));
        long n = in.count("length of key " + key, 8);
        if (n > Integer.MAX_VALUE - 8) throw in.wrong("length of key " + key, at, "fewer than 2^31 strings", n);
        return in.strings((int) n, key, MAX_STRING_BYTES);
    }

    private static NumberList number(Cursor in, String key, ValueType type, long n) {
        long at = in.position();
        long size = n * type.bytes; // the count was checked against the bytes left, or is 1
        if (size > Integer.MAX_VALUE - 8) throw in.wrong("length of key " + key, at, "an array below 2 GiB", size + " bytes");
        byte[] bytes = in.bytes(size, "value of key " + key);
        if (type == ValueType.BOOL)
            for (byte b : bytes)
                if (b != 0 && b != 1) throw in.wrong("value of key " + key, at, "0 or 1 for a boolean", b & 0xff);
        if (type == ValueType.U64)
            for (int i = 7; i < bytes.length; i += 8)
                if (bytes[i] < 0) throw in.wrong("value of key " + key, at, "numbers below 2^63", "a larger one");
        return new NumberList(bytes, type);
    }

    private static ValueType readType(Cursor in, String what) {
        long at = in.position();
        long number = in.u32(what);
        ValueType type = ValueType.of(number);
        if (type == null) throw in.wrong(what, at, "a value type from 0 to 12", number);
        return type;
    }

    private static Info readInfo(Cursor in, long index) {
        long at = in.position();
        String name = in.string("name of tensor " + index, MAX_NAME_BYTES);
        if (name.isEmpty()) throw in.wrong("name of tensor " + index, at, "a name", "an empty one");
        String tensor = "tensor " + name;
        long n = in.u32("dimensions of " + tensor);
        if (n < 1 || n > MAX_DIMS) throw in.wrong("dimensions of " + tensor, at, "1 to " + MAX_DIMS, n);
        long[] shape = new long[(int) n];
        long elements = 1;
        for (int d = shape.length - 1; d >= 0; d--) {
            shape[d] = in.u64("dimensions of " + tensor);
            if (shape[d] == 0) throw in.wrong("dimensions of " + tensor, at, "sizes above 0", 0);
            if (shape[d] > Long.MAX_VALUE / elements)
                throw in.wrong("dimensions of " + tensor, at, "fewer than 2^63 elements", "more");
            elements *= shape[d];
        }
        return sized(in, name, shape, elements);
    }

    /** The rest of a tensor's description: its type, which gives it a size, and its offset. */
    private static Info sized(Cursor in, String name, long[] shape, long elements) {
        String tensor = "tensor " + name;
        long at = in.position();
        int type = in.i32("type of " + tensor);
        Format format = Format.ofGgmlType(type);
        UnreadFormat unread = UnreadFormat.ofGgmlType(type);
        if (format == null && (unread == null || !Names.isIgnored(name)))
            throw in.wrong("type of " + tensor, at, "one of " + readable(), "type " + Integer.toUnsignedString(type)
                    + (unread == null ? ", which is unknown" : " (" + unread + "), which is not supported")
                    + ". Use a file quantised as Q4_K_M or Q8_0 instead");
        int block = format != null ? format.codec.blockSize() : unread.blockSize;
        int blockBytes = format != null ? format.codec.blockBytes() : unread.blockBytes;
        long row = shape[shape.length - 1];
        if (row % block != 0)
            throw in.wrong("rows of " + tensor, at, "whole " + Format.nameOfGgmlType(type) + " blocks of " + block,
                    row + " elements");
        if (elements / block > Long.MAX_VALUE / blockBytes)
            throw in.wrong("size of " + tensor, at, "fewer than 2^63 bytes", "more");
        return new Info(name, format, shape, elements / block * blockBytes, in.u64("offset of " + tensor));
    }

    private static String readable() {
        return Arrays.stream(Format.values()).filter(f -> f.ggmlType >= 0).map(Format::name).collect(Collectors.joining(" "));
    }

    private static long alignment(Metadata keys) {
        long a = keys.integer("general.alignment", 1, (int) MAX_ALIGNMENT, (int) DEFAULT_ALIGNMENT);
        if (Long.bitCount(a) != 1) throw keys.wrong("general.alignment", "a power of two", a);
        return a;
    }

    private static List<RawTensor> locate(List<Info> infos, MemorySegment data, long start, long alignment, String file) {
        long size = Math.max(0, data.byteSize() - start);
        for (Info t : infos) {
            if (t.offset % alignment != 0)
                throw ModelFileException.mismatch(file, "offset of tensor " + t.name, "a multiple of " + alignment, t.offset);
            if (t.offset > size || t.bytes > size - t.offset)
                throw ModelFileException.mismatch(file, "data of tensor " + t.name,
                        t.bytes + " bytes from offset " + t.offset,
                        size + " bytes of tensor data in all; the file is truncated or damaged");
        }
        List<Info> byOffset = new ArrayList<>(infos);
        byOffset.sort(Comparator.comparingLong(Info::offset));
        for (int i = 1; i < byOffset.size(); i++) {
            Info a = byOffset.get(i - 1);
            Info b = byOffset.get(i);
            if (b.offset < a.offset + a.bytes)
                throw ModelFileException.mismatch(file, "data of tensor " + b.name,
                        "an offset of at least " + (a.offset + a.bytes) + ", the end of tensor " + a.name,
                        b.offset + "; the tensors overlap");
        }
        List<RawTensor> tensors = new ArrayList<>();
        for (Info t : infos)
            if (t.format != null) tensors.add(new RawTensor(t.name, t.format, t.shape, data.asSlice(start + t.offset, t.bytes), file));
        return tensors;
    }
}
