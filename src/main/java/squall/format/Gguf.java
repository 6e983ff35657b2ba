package squall.format;

import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A GGUF file, or all parts of a split one: the first part's metadata and the tensors of all. */
public final class Gguf implements ModelFile {
    private static final Pattern SPLIT = Pattern.compile("(.*)-(\\d{5})-of-(\\d{5})\\.gguf");
    private static final int MAX_PARTS = 10_000;

    private final Path path;
    private final Mapping mapping;
    private final Map<String, Object> metadata;
    private final Map<String, RawTensor> tensors;

    private Gguf(Path path, Mapping mapping, Map<String, Object> metadata, Map<String, RawTensor> tensors) {
        this.path = path;
        this.mapping = mapping;
        this.metadata = Collections.unmodifiableMap(metadata);
        this.tensors = Collections.unmodifiableMap(tensors);
    }

    /** @param file the file, or any part of a split one */
    public static Gguf open(Path file) {
        Mapping mapping = new Mapping();
        try {
            return read(file, mapping);
        } catch (Throwable e) {
            mapping.close();
            throw e;
        }
    }

    private static Gguf read(Path file, Mapping mapping) {
        Matcher name = SPLIT.matcher(file.getFileName().toString());
        boolean split = name.matches();
        Path firstFile = split ? part(file, name, 1) : file;
        GgufPart first = GgufPart.read(mapping.map(firstFile), firstFile.toString());
        Metadata keys = new Metadata(first.file(), "", first.metadata());
        int parts = keys.integer("split.count", 0, MAX_PARTS, 1);
        checkSplitName(keys, parts, split ? Integer.parseInt(name.group(3)) : 1, split);
        Map<String, RawTensor> tensors = new LinkedHashMap<>();
        add(tensors, first);
        for (int i = 2; i <= parts; i++) {
            Path next = part(file, name, i);
            GgufPart part = GgufPart.read(mapping.map(next), next.toString());
            checkNumber(new Metadata(part.file(), "", part.metadata()), parts, i - 1);
            add(tensors, part);
        }
        if (keys.has("split.tensors.count")) {
            int n = keys.integer("split.tensors.count", 0, Integer.MAX_VALUE);
            if (n != tensors.size()) throw keys.wrong("split.tensors.count", tensors.size() + ", the tensors of all parts", n);
        }
        return new Gguf(file, mapping, first.metadata(), tensors);
    }

    private static void checkSplitName(Metadata keys, int parts, int named, boolean split) {
        if (parts > 1 && !split)
            throw keys.wrong("split.count", "a file name ending in -00001-of-" + number(parts)
                    + ".gguf, so that the other parts can be found", "another name. Rename the parts to what they were");
        if (split && Math.max(parts, 1) != named)
            throw keys.wrong("split.count", named + ", as in the file name", parts);
        if (parts > 1) checkNumber(keys, parts, 0);
    }

    private static void checkNumber(Metadata keys, int parts, int index) {
        int count = keys.integer("split.count", 0, MAX_PARTS);
        if (count != parts) throw keys.wrong("split.count", parts, count);
        int no = keys.integer("split.no", 0, MAX_PARTS);
        if (no != index) throw keys.wrong("split.no", index, no + ". The parts are named in another order");
    }

    private static void add(Map<String, RawTensor> tensors, GgufPart part) {
        for (RawTensor t : part.tensors()) {
            RawTensor other = tensors.putIfAbsent(t.name(), t);
            if (other != null)
                throw ModelFileException.mismatch(t.file(), "tensor " + t.name(), "each tensor once", "it twice"
                        + (other.file().equals(t.file()) ? "" : ", also in " + other.file()));
        }
    }

    private static Path part(Path file, Matcher name, int number) {
        return file.resolveSibling(name.group(1) + "-" + number(number) + "-of-" + name.group(3) + ".gguf");
    }

    private static String number(int n) {
        return String.format("%05d", n);
    }

    /** Whether this name is a part of a split file other than the first. */
    static boolean isLaterPart(Path file) {
        Matcher name = SPLIT.matcher(file.getFileName().toString());
        return name.matches() && Integer.parseInt(name.group(2)) != 1;
    }

    @Override public Path path() {
        return path;
    }

    @Override public Map<String, Object> metadata() {
        return metadata;
    }

    @Override public Map<String, RawTensor> tensors() {
        return tensors;
    }

    @Override public String container() {
        return "GGUF";
    }

    @Override public void close() {
        mapping.close();
    }
}
