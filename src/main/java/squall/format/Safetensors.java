package squall.format;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A safetensors checkpoint, in one file or in shards with an index, with the config.json that lies beside it. */
public final class Safetensors implements ModelFile {
    static final String SINGLE = "model.safetensors";
    static final String INDEX = "model.safetensors.index.json";
    private static final String CONFIG = "config.json";
    private static final Pattern SHARD = Pattern.compile(".*-\\d{5}-of-(\\d{5})\\.safetensors");
    private static final long MAX_CONFIG_BYTES = 16 << 20;
    private static final int MAX_SHARDS = 10_000;

    private final Path path;
    private final Path config;
    private final Mapping mapping;
    private final Map<String, Object> metadata;
    private final Map<String, RawTensor> tensors;

    private Safetensors(Path path, Path config, Mapping mapping, Map<String, Object> metadata, Map<String, RawTensor> tensors) {
        this.path = path;
        this.config = config;
        this.mapping = mapping;
        this.metadata = Collections.unmodifiableMap(metadata);
        this.tensors = Collections.unmodifiableMap(tensors);
    }

    /** @param named the path that the user gave; @param file a .safetensors file, or an index of shards */
    static Safetensors open(Path named, Path file) {
        Path target = wholeOf(file);
        Path config = target.resolveSibling(CONFIG);
        Map<String, Object> metadata = Files.exists(config) ? Json.object(config, MAX_CONFIG_BYTES) : Map.of();
        Quantisation.check(new Metadata(config.toString(), "", metadata), target);
        Mapping mapping = new Mapping();
        try {
            Map<String, RawTensor> tensors = new LinkedHashMap<>();
            if (target.toString().endsWith(".json")) readShards(target, mapping, tensors);
            else add(tensors, SafetensorsPart.read(mapping.map(target), target.toString()));
            return new Safetensors(named, config, mapping, metadata, tensors);
        } catch (Throwable e) {
            mapping.close();
            throw e;
        }
    }

    /** The index, where one shard of several was named. */
    private static Path wholeOf(Path file) {
        Matcher shard = SHARD.matcher(file.getFileName().toString());
        if (!shard.matches() || shard.group(1).equals("00001")) return file;
        Path index = file.resolveSibling(INDEX);
        if (Files.exists(index)) return index;
        throw ModelFileException.mismatch(file.toString(), "shard", INDEX + " beside it, which names the other shards", "none");
    }

    private static void readShards(Path index, Mapping mapping, Map<String, RawTensor> tensors) {
        Metadata weights = new Metadata(index.toString(), "", Json.object(index, SafetensorsPart.MAX_HEADER_BYTES))
                .object("weight_map");
        Map<String, String> example = new TreeMap<>(); // shard to one of its tensors
        for (String tensor : weights.values().keySet()) example.putIfAbsent(weights.string(tensor), tensor);
        if (example.isEmpty() || example.size() > MAX_SHARDS)
            throw ModelFileException.mismatch(index.toString(), "weight_map", "1 to " + MAX_SHARDS + " shards", example.size());
        for (Map.Entry<String, String> e : example.entrySet()) {
            Path shard = sibling(index, e.getKey(), weights, e.getValue());
            add(tensors, SafetensorsPart.read(mapping.map(shard), shard.toString()));
        }
        for (String tensor : weights.values().keySet()) {
            RawTensor t = tensors.get(tensor);
            if (t == null && !Names.isIgnored(tensor))
                throw weights.wrong(tensor, "a tensor in " + weights.string(tensor), "none there");
            if (t != null && !Path.of(t.file()).getFileName().toString().equals(weights.string(tensor)))
                throw weights.wrong(tensor, t.file() + ", which holds it", weights.string(tensor));
        }
    }

    /** A file beside the index, never one elsewhere. */
    private static Path sibling(Path index, String name, Metadata weights, String tensor) {
        try {
            Path p = Path.of(name);
            if (p.getNameCount() == 1 && !p.isAbsolute() && name.endsWith(".safetensors")) return index.resolveSibling(p);
        } catch (InvalidPathException e) {
            // refused below like any other name that is no file's
        }
        throw weights.wrong(tensor, "the name of a .safetensors file in this directory", "\"" + name + "\"");
    }

    private static void add(Map<String, RawTensor> tensors, SafetensorsPart part) {
        for (RawTensor t : part.tensors()) {
            RawTensor other = tensors.putIfAbsent(t.name(), t);
            if (other != null)
                throw ModelFileException.mismatch(t.file(), "tensor " + t.name(), "each tensor once", "it also in " + other.file());
        }
    }

    @Override public Path path() {
        return path;
    }

    @Override public Map<String, Object> metadata() {
        return metadata;
    }

    @Override public Metadata keys() {
        return new Metadata(config.toString(), "", metadata);
    }

    /** The text model's part of config.json: the nested {@code text_config} where there is one, else all of it. */
    public static Metadata textConfig(Metadata keys) {
        return keys.has("text_config") ? keys.object("text_config") : keys;
    }

    @Override public Map<String, RawTensor> tensors() {
        return tensors;
    }

    @Override public String container() {
        return "safetensors";
    }

    @Override public void close() {
        mapping.close();
    }
}
