package squall.cli;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Text from outside, UTF-8 or nothing, and places for text that will be written. */
final class TextFiles {
    private TextFiles() {}

    /** @throws CharacterCodingException if the bytes are not UTF-8 */
    static String utf8(byte[] bytes) throws CharacterCodingException {
        return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    }

    /**
     * Before long work of which {@code file} will be the result.
     *
     * @param file null if nothing will be written
     * @throws UnusableException if it lies in no folder, or is one
     */
    static void checkPlace(String flag, Path file) {
        if (file == null) return;
        Path folder = file.toAbsolutePath().getParent();
        if (folder == null || Files.isDirectory(file))
            throw new UnusableException(flag + " " + file + " cannot be written: a file was expected, found a folder");
        if (!Files.isDirectory(folder))
            throw new UnusableException(flag + " " + file + " cannot be written: there is no folder " + folder + "; make it first");
    }
}
