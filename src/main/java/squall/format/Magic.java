package squall.format;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/** What a file is by its first bytes, for messages that say more than "wrong magic". */
final class Magic {
    private Magic() {}

    static boolean isGguf(MemorySegment data) {
        return head(data, 4).equals("GGUF");
    }

    static void requireGguf(MemorySegment data, String file) {
        if (!isGguf(data)) throw ModelFileException.mismatch(file, "first bytes", "\"GGUF\"", describe(data));
    }

    /** What stands at the start, in words. */
    static String describe(MemorySegment data) {
        if (data.byteSize() == 0) return "an empty file; download it again";
        String h = head(data, 64);
        if (h.startsWith("GGUF")) return "a GGUF file";
        if (h.startsWith("FUGG")) return "a byte-swapped GGUF magic; the file is damaged";
        if (h.startsWith("ggml") || h.startsWith("lmgg") || h.startsWith("tjgg") || h.startsWith("ggjt"))
            return "an old GGML file from before GGUF; convert the model again";
        if (h.startsWith("version https://git-lfs"))
            return "a git-lfs pointer, not the file itself; run `git lfs pull` or download it";
        if (h.startsWith("PK\3\4")) return "a zip archive, perhaps a PyTorch checkpoint; convert it to safetensors or GGUF";
        if (h.startsWith("\u0080")) return "a Python pickle, perhaps a PyTorch checkpoint; convert it to safetensors or GGUF";
        if (h.startsWith("\u001f\u008b")) return "a gzip archive; unpack it first";
        String text = h.stripLeading().toLowerCase(Locale.ROOT);
        if (text.startsWith("<!doctype") || text.startsWith("<html") || text.startsWith("<?xml"))
            return "a web page; the download went wrong, perhaps for want of a login";
        if (text.startsWith("{")) return "JSON text";
        if (data.byteSize() > 9 && data.get(ValueLayout.JAVA_BYTE, 8) == '{') return "what looks like safetensors";
        StringBuilder hex = new StringBuilder("bytes");
        for (char c : h.substring(0, Math.min(8, h.length())).toCharArray()) hex.append(String.format(" %02x", (int) c));
        return hex.append(", which is no known container").toString();
    }

    static String versionHint(long version) {
        if (version == 1) return ", which is too old; convert the model again";
        if (version == 0x02000000L || version == 0x03000000L) return ", which is a big-endian file; convert it to little-endian";
        return "";
    }

    private static String head(MemorySegment data, int n) {
        byte[] b = data.asSlice(0, Math.min(n, data.byteSize())).toArray(ValueLayout.JAVA_BYTE);
        return new String(b, StandardCharsets.ISO_8859_1);
    }
}
