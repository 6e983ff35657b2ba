package squall.format;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.ShrinkingMode;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;
import squall.model.ConfigReader;
import squall.model.ModelConfig;
import squall.model.Qwen;
import squall.quant.Format;

/**
 * Headers of right files, damaged at random: whatever the bytes say, the outcome is a {@link ModelFileException} or a
 * model that can be built, in bounded time and with no more memory than the files can justify.
 */
class MalformedFilesTest {
    private static final int TRIES = 600;
    /** Objects made of a byte of a file: a map entry and a string for the 14 bytes of the shortest pair, and the like. */
    private static final long BYTES_PER_FILE_BYTE = 20;
    /** What opening takes whatever the size: messages, buffers of the JSON reader. Seen: 330 kB in all for 49 kB of files. */
    private static final long FIXED_BYTES = 1 << 20;
    private static final long MAX_CPU_NANOS = 5_000_000_000L; // seen: 5 ms
    private static final List<String> ARCHITECTURES = List.of("qwen3", "qwen3moe", "qwen3next", "qwen35", "qwen35moe");
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private static Path scratch;
    private static final AtomicInteger LOADED = new AtomicInteger();
    private static final AtomicInteger REFUSED = new AtomicInteger();

    /** One kind of damage; positions are fractions of the header, so that they fit every file. */
    record Damage(int kind, double at, double other, int length, long value) {

        byte[] apply(byte[] b, int header) {
            int p = (int) (at * header);
            int q = (int) (other * header);
            int n = Math.min(length, b.length - Math.max(p, q));
            byte[] c = b.clone();
            switch (kind) {
                case 0 -> c[p] ^= (byte) (1 << (length & 7));
                case 1 -> c[p] = (byte) value;
                case 2 -> {
                    System.arraycopy(b, p, c, q, n);
                    System.arraycopy(b, q, c, p, n);
                }
                case 3 -> c = concat(Arrays.copyOf(b, p), Arrays.copyOfRange(b, Math.min(b.length, p + length), b.length));
                case 4 -> {
                    byte[] noise = new byte[length];
                    new Random(value).nextBytes(noise);
                    c = concat(Arrays.copyOf(b, p), noise, Arrays.copyOfRange(b, p, b.length));
                }
                case 5 -> c = concat(Arrays.copyOf(b, p), Arrays.copyOfRange(b, q, q + n), Arrays.copyOfRange(b, p, b.length));
                case 6 -> c = Arrays.copyOf(b, (int) (at * b.length));
                default -> {
                    byte[] number = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(value).array();
                    System.arraycopy(number, 0, c, p, Math.min(kind == 7 ? 8 : 4, b.length - p));
                }
            }
            return c;
        }

        private static byte[] concat(byte[]... parts) {
            GgufWriter.Bytes b = new GgufWriter.Bytes();
            for (byte[] p : parts) b.writeBytes(p);
            return b.toByteArray();
        }
    }

    @Provide Arbitrary<List<Damage>> damages() {
        Arbitrary<Double> place = Arbitraries.integers().between(0, 999_999).map(i -> i / 1e6);
        Arbitrary<Long> value = Arbitraries.oneOf(Arbitraries.longs().between(-3, 300), Arbitraries.longs(),
                Arbitraries.of(Long.MAX_VALUE, Long.MIN_VALUE, 1L << 31, (1L << 31) - 1, 1L << 32, 1L << 40, 1L << 62, 0x2020202020202020L));
        return Combinators.combine(Arbitraries.integers().between(0, 8), place, place, Arbitraries.integers().between(1, 40), value)
                .as(Damage::new).list().ofMinSize(1).ofMaxSize(2);
    }

    @Provide Arbitrary<String> architectures() {
        return Arbitraries.of(ARCHITECTURES);
    }

    @BeforeContainer static void prepare() throws IOException {
        scratch = Files.createTempDirectory("malformed");
        for (String a : ARCHITECTURES) // the right files do load; classes are loaded before memory is counted
            for (Map<String, byte[]> files : List.of(Map.of("m.gguf", new TinyCheckpoint(a).gguf().bytes()), checkpoint(new TinyCheckpoint(a)))) {
                write(files);
                load();
            }
        assertEquals(2 * ARCHITECTURES.size(), LOADED.get());
    }

    @AfterContainer static void bothOutcomesWereSeen() throws IOException {
        clear();
        Files.delete(scratch);
        assertTrue(REFUSED.get() > 100, "refused " + REFUSED);
        assertTrue(LOADED.get() > 50, "loaded " + LOADED);
    }

    @Property(tries = TRIES, edgeCases = EdgeCasesMode.NONE, shrinking = ShrinkingMode.BOUNDED)
    void gguf(@ForAll("architectures") String arch, @ForAll("damages") List<Damage> damages) {
        tryToLoad(Map.of("m.gguf", damaged(new TinyCheckpoint(arch).gguf().bytes(), damages)));
    }

    @Property(tries = TRIES, edgeCases = EdgeCasesMode.NONE, shrinking = ShrinkingMode.BOUNDED)
    void splitGguf(@ForAll("damages") List<Damage> damages, @ForAll boolean first) {
        TinyCheckpoint c = new TinyCheckpoint("qwen3");
        GgufWriter second = new GgufWriter().put("split.no", 1).put("split.count", 2);
        GgufWriter whole = c.ggufWith(tensors -> {
            for (String name : List.copyOf(tensors.keySet()))
                if (name.startsWith("blk.1.")) {
                    TinyCheckpoint.Tensor t = tensors.remove(name);
                    second.tensor(name, Format.F32, t.bytes(), t.shape());
                }
        }).put("split.no", 0).put("split.count", 2).put("split.tensors.count", c.tensors.size());
        byte[] a = whole.bytes(), b = second.bytes();
        tryToLoad(Map.of("m-00001-of-00002.gguf", first ? damaged(a, damages) : a, "m-00002-of-00002.gguf", first ? b : damaged(b, damages)));
    }

    @Property(tries = TRIES, edgeCases = EdgeCasesMode.NONE, shrinking = ShrinkingMode.BOUNDED)
    void safetensors(@ForAll("architectures") String arch, @ForAll("damages") List<Damage> damages) {
        Map<String, byte[]> files = checkpoint(new TinyCheckpoint(arch));
        files.compute("model.safetensors", (n, b) -> damaged(b, damages));
        tryToLoad(files);
    }

    @Property(tries = TRIES, edgeCases = EdgeCasesMode.NONE, shrinking = ShrinkingMode.BOUNDED)
    void configuration(@ForAll("architectures") String arch, @ForAll("damages") List<Damage> damages) {
        Map<String, byte[]> files = checkpoint(new TinyCheckpoint(arch));
        files.compute("config.json", (n, b) -> damaged(b, damages));
        tryToLoad(files);
    }

    @Property(tries = TRIES / 2, edgeCases = EdgeCasesMode.NONE, shrinking = ShrinkingMode.BOUNDED)
    void index(@ForAll("damages") List<Damage> damages) {
        TinyCheckpoint c = new TinyCheckpoint("qwen3");
        Map<String, byte[]> files = checkpoint(c);
        files.put("a.safetensors", files.remove("model.safetensors"));
        Map<String, String> map = new LinkedHashMap<>();
        for (String name : c.tensors.keySet()) map.put(name, "a.safetensors");
        files.put("model.safetensors.index.json", damaged(SafetensorsWriter.json(Map.of("weight_map", map)).getBytes(), damages));
        tryToLoad(files);
    }

    /** Numbers that are well-formed but wrong, where they do most harm: in the sizes themselves. */
    @Property(tries = TRIES, edgeCases = EdgeCasesMode.NONE, shrinking = ShrinkingMode.BOUNDED)
    void sizes(@ForAll("architectures") String arch, @ForAll Random random) {
        TinyCheckpoint c = new TinyCheckpoint(arch);
        long[] values = {0, 1, 2, 3, 5, 7, 16, 64, 1000, 65536, 1 << 20, (1 << 24) + 1, Integer.MAX_VALUE, 1L << 31, Long.MAX_VALUE, -1};
        for (int i = 0; i < 1 + random.nextInt(3); i++) {
            List<String> keys = c.config.keySet().stream().filter(k -> c.config.get(k) instanceof Number).toList();
            c.config.put(keys.get(random.nextInt(keys.size())), values[random.nextInt(values.length)]);
        }
        tryToLoad(checkpoint(c));
        GgufWriter w = new TinyCheckpoint(arch).gguf();
        List<String> keys = List.of("block_count", "context_length", "embedding_length", "attention.head_count", "attention.head_count_kv",
                "attention.key_length", "attention.value_length", "rope.dimension_count", "full_attention_interval", "ssm.conv_kernel",
                "ssm.state_size", "ssm.group_count", "ssm.time_step_rank", "ssm.inner_size", "expert_count", "expert_used_count",
                "expert_feed_forward_length", "expert_shared_feed_forward_length", "nextn_predict_layers", "feed_forward_length");
        for (int i = 0; i < 1 + random.nextInt(3); i++) {
            String key = arch + "." + keys.get(random.nextInt(keys.size()));
            w.remove(key).put(key, Math.abs(values[random.nextInt(values.length)]));
        }
        tryToLoad(Map.of("m.gguf", w.bytes()));
    }

    private static Map<String, byte[]> checkpoint(TinyCheckpoint c) {
        Map<String, byte[]> files = new TreeMap<>();
        files.put("model.safetensors", c.safetensors().bytes());
        files.put("config.json", SafetensorsWriter.json(c.config).getBytes(StandardCharsets.UTF_8));
        return files;
    }

    private static byte[] damaged(byte[] whole, List<Damage> damages) {
        byte[] b = whole;
        for (Damage d : damages) {
            if (b.length == 0) break;
            b = d.apply(b, Math.max(1, Math.min(b.length, headerBytes(whole))));
        }
        return b;
    }

    /** Where the tensor data starts, about: GGUF's and safetensors' headers, all of a text. */
    private static int headerBytes(byte[] b) {
        if (b[0] == '{') return b.length;
        if (b[0] == 'G') {
            int last = new String(b, StandardCharsets.ISO_8859_1).lastIndexOf("weight");
            return Math.min(b.length, last + 64);
        }
        return (int) ByteBuffer.wrap(b).order(ByteOrder.LITTLE_ENDIAN).getLong(0) + 8;
    }

    private static void tryToLoad(Map<String, byte[]> files) {
        try {
            long size = write(files);
            long allocated = THREADS.getCurrentThreadAllocatedBytes();
            long cpu = THREADS.getCurrentThreadCpuTime();
            load();
            allocated = THREADS.getCurrentThreadAllocatedBytes() - allocated;
            cpu = THREADS.getCurrentThreadCpuTime() - cpu;
            assertTrue(allocated <= FIXED_BYTES + BYTES_PER_FILE_BYTE * size, allocated + " bytes allocated for " + size);
            assertTrue(cpu <= MAX_CPU_NANOS, cpu + " ns");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static long write(Map<String, byte[]> files) throws IOException {
        clear();
        long size = 0;
        for (Map.Entry<String, byte[]> e : files.entrySet()) {
            Files.write(scratch.resolve(e.getKey()), e.getValue());
            size += e.getValue().length;
        }
        return size;
    }

    /** Opens, configures, builds and reads the ends of every tensor; only a {@link ModelFileException} may stop it. */
    private static void load() {
        try (ModelFile file = ModelFiles.open(scratch)) {
            ModelConfig config = ConfigReader.read(file);
            Qwen.build(config, CheckpointWeights.of(file, config));
            for (RawTensor t : file.tensors().values()) {
                MemorySegment s = t.data();
                s.get(ValueLayout.JAVA_BYTE, 0);
                s.get(ValueLayout.JAVA_BYTE, s.byteSize() - 1);
            }
            LOADED.incrementAndGet();
        } catch (ModelFileException e) {
            assertTrue(e.getMessage().length() > 20 && e.getMessage().length() < 4000, e.getMessage());
            REFUSED.incrementAndGet();
        }
    }

    private static void clear() throws IOException {
        try (var files = Files.list(scratch)) {
            for (Path p : files.toList()) Files.delete(p);
        }
    }
}
