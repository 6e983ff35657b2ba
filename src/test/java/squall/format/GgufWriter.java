package squall.format;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import squall.quant.Format;

/** Writes GGUF files for tests, right ones and, with the raw calls, wrong ones. */
public final class GgufWriter {
    private record Pair(String key, byte[] typeAndValue) {}

    private record Tensor(String name, int type, long[] dims, byte[] data, Long offset) {}

    private final List<Pair> pairs = new ArrayList<>();
    private final List<Tensor> tensors = new ArrayList<>();
    private int version = 3;
    private int alignment = 32;

    public GgufWriter version(int number) {
        version = number;
        return this;
    }

    public GgufWriter alignment(int bytes) {
        alignment = bytes;
        return put("general.alignment", bytes);
    }

    /** Integers as u32, longs as u64, floats as f32, doubles as f64, booleans, strings; int[], float[], boolean[] and String[] as arrays. */
    public GgufWriter put(String key, Object value) {
        Bytes b = new Bytes();
        switch (value) {
            case Integer v -> b.u32(4).u32(v);
            case Long v -> b.u32(10).u64(v);
            case Float v -> b.u32(6).u32(Float.floatToRawIntBits(v));
            case Double v -> b.u32(12).u64(Double.doubleToRawLongBits(v));
            case Boolean v -> b.u32(7).u8(v ? 1 : 0);
            case String v -> b.u32(8).string(v);
            case int[] v -> {
                b.u32(9).u32(5).u64(v.length);
                for (int x : v) b.u32(x);
            }
            case float[] v -> {
                b.u32(9).u32(6).u64(v.length);
                for (float x : v) b.u32(Float.floatToRawIntBits(x));
            }
            case boolean[] v -> {
                b.u32(9).u32(7).u64(v.length);
                for (boolean x : v) b.u8(x ? 1 : 0);
            }
            case String[] v -> {
                b.u32(9).u32(8).u64(v.length);
                for (String x : v) b.string(x);
            }
            default -> throw new IllegalArgumentException(key + ": " + value.getClass());
        }
        return raw(key, b.toByteArray());
    }

    /** A pair whose type number and value are given as they are to stand in the file. */
    public GgufWriter raw(String key, byte[] typeAndValue) {
        pairs.add(new Pair(key, typeAndValue));
        return this;
    }

    public GgufWriter remove(String key) {
        pairs.removeIf(p -> p.key.equals(key));
        return this;
    }

    /** @param shape outermost dimension first, as in torch */
    public GgufWriter tensor(String name, Format format, byte[] data, long... shape) {
        long[] dims = new long[shape.length];
        for (int i = 0; i < dims.length; i++) dims[i] = shape[shape.length - 1 - i];
        return rawTensor(name, format.ggmlType, data, null, dims);
    }

    /** @param offset null for where the tensor really lies; @param dims fastest first */
    public GgufWriter rawTensor(String name, int type, byte[] data, Long offset, long... dims) {
        tensors.add(new Tensor(name, type, dims, data, offset));
        return this;
    }

    public byte[] bytes() {
        Bytes b = new Bytes();
        b.writeBytes("GGUF".getBytes(StandardCharsets.US_ASCII));
        b.u32(version).u64(tensors.size()).u64(pairs.size());
        for (Pair p : pairs) b.string(p.key).writeBytes(p.typeAndValue);
        Bytes data = new Bytes();
        for (Tensor t : tensors) {
            b.string(t.name).u32(t.dims.length);
            for (long d : t.dims) b.u64(d);
            b.u32(t.type).u64(t.offset == null ? data.size() : t.offset);
            data.writeBytes(t.data);
            data.pad(alignment);
        }
        b.pad(alignment);
        b.writeBytes(data.toByteArray());
        return b.toByteArray();
    }

    public Path write(Path file) {
        return write(file, bytes());
    }

    static Path write(Path file, byte[] bytes) {
        try {
            return Files.write(file, bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Little-endian bytes. */
    static final class Bytes extends ByteArrayOutputStream {
        Bytes u8(int v) {
            write(v);
            return this;
        }

        Bytes u32(int v) {
            writeBytes(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(v).array());
            return this;
        }

        Bytes u64(long v) {
            writeBytes(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(v).array());
            return this;
        }

        Bytes string(String s) {
            byte[] utf8 = s.getBytes(StandardCharsets.UTF_8);
            u64(utf8.length).writeBytes(utf8);
            return this;
        }

        void pad(int alignment) {
            while (size() % alignment != 0) write(0);
        }
    }
}
