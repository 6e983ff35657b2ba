package squall.cli;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/** Text from outside: UTF-8 or nothing. */
final class TextFiles {
    private TextFiles() {}

    /** @throws CharacterCodingException if the bytes are not UTF-8 */
    static String utf8(byte[] bytes) throws CharacterCodingException {
        return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    }
}
