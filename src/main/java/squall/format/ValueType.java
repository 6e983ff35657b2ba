package squall.format;

import java.nio.ByteBuffer;

/** Types of GGUF metadata values, in the order of their numbers in the file. */
enum ValueType {
    U8(1), I8(1), U16(2), I16(2), U32(4), I32(4), F32(4), BOOL(1), STRING(0), ARRAY(0), U64(8), I64(8), F64(8);

    private static final ValueType[] BY_NUMBER = values();

    /** Size of a number; 0 for strings and arrays. */
    final int bytes;

    ValueType(int bytes) {
        this.bytes = bytes;
    }

    /** The type with this number, null if there is none. */
    static ValueType of(long number) {
        return number >= 0 && number < BY_NUMBER.length ? BY_NUMBER[(int) number] : null;
    }

    /** A number as Long or Double, a bool as Boolean; bools are checked by the reader. */
    Object decode(ByteBuffer b, int at) {
        return switch (this) {
            case U8 -> (long) (b.get(at) & 0xff);
            case I8 -> (long) b.get(at);
            case U16 -> (long) (b.getShort(at) & 0xffff);
            case I16 -> (long) b.getShort(at);
            case U32 -> Integer.toUnsignedLong(b.getInt(at));
            case I32 -> (long) b.getInt(at);
            case U64, I64 -> b.getLong(at);
            case F32 -> (double) b.getFloat(at);
            case F64 -> b.getDouble(at);
            case BOOL -> b.get(at) != 0;
            case STRING, ARRAY -> throw new IllegalStateException(name() + " is not a number");
        };
    }
}
