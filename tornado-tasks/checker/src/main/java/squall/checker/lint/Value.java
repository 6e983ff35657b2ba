package squall.checker.lint;

/**
 * What is known of a value: for whole numbers an interval (additions are taken not to overflow), for arrays which
 * parameters it may be, and a few marks. {@code slot} is the local variable it was just loaded from, or -1.
 */
record Value(char kind, long low, long high, int marks, int parameters, int slot) {

    /** A byte or short widened by a mask: an unsigned variable in the generated code. */
    static final int WIDENED = 1;
    static final int FROM_BF16 = 2;
    static final int LOCAL_ARRAY = 4;
    static final int FRAGMENT = 8;
    static final int VIEW = 16;
    /** A constant of the compiled kernel, if not of the Java method. */
    static final int SCALAR = 32;
    static final int CONTEXT = 64;
    static final int PRIVATE_ARRAY = 128;
    private static final int KEPT_IN_ARITHMETIC = WIDENED;

    static final Value FLOAT = new Value('F', 0, 0, 0, 0, -1);
    static final Value DOUBLE = new Value('D', 0, 0, 0, 0, -1);
    static final Value OBJECT = new Value('A', Integer.MIN_VALUE, Integer.MAX_VALUE, 0, 0, -1);

    static Value ints(long low, long high) {
        return new Value('I', low, high, low == high ? SCALAR : 0, 0, -1);
    }

    static Value longs(long low, long high) {
        return new Value('J', low, high, low == high ? SCALAR : 0, 0, -1);
    }

    static Value parameter(int number) {
        return new Value('A', Integer.MIN_VALUE, Integer.MAX_VALUE, 0, 1 << number, -1);
    }

    /** What a field, an element or a call of this type can be. */
    static Value of(String descriptor) {
        return switch (descriptor.charAt(0)) {
            case 'Z' -> ints(0, 1);
            case 'B' -> ints(Byte.MIN_VALUE, Byte.MAX_VALUE);
            case 'C' -> ints(0, Character.MAX_VALUE);
            case 'S' -> ints(Short.MIN_VALUE, Short.MAX_VALUE);
            case 'I' -> ints(Integer.MIN_VALUE, Integer.MAX_VALUE);
            case 'J' -> longs(Long.MIN_VALUE, Long.MAX_VALUE);
            case 'F' -> FLOAT;
            case 'D' -> DOUBLE;
            default -> OBJECT;
        };
    }

    boolean wide() {
        return kind == 'J' || kind == 'D';
    }

    boolean whole() {
        return kind == 'I' || kind == 'J';
    }

    boolean is(int mark) {
        return (marks & mark) != 0;
    }

    boolean constant() {
        return whole() && low == high;
    }

    boolean mayBeNegative() {
        return low < 0;
    }

    Value with(int mark) {
        return new Value(kind, low, high, marks | mark, parameters, slot);
    }

    Value from(int newSlot) {
        return slot == newSlot ? this : new Value(kind, low, high, marks, parameters, newSlot);
    }

    Value as(char newKind) {
        return new Value(newKind, low, high, marks, parameters, -1);
    }

    /** The result of arithmetic on this and {@code other}, within limits of the type. */
    Value result(Value other, long newLow, long newHigh) {
        long least = kind == 'I' ? Integer.MIN_VALUE : Long.MIN_VALUE;
        long most = kind == 'I' ? Integer.MAX_VALUE : Long.MAX_VALUE;
        int both = (marks | other.marks) & KEPT_IN_ARITHMETIC | marks & other.marks & SCALAR;
        return new Value(kind, Math.max(least, Math.min(most, newLow)), Math.max(least, Math.min(most, newHigh)), both, 0, -1);
    }

    Value clamped(long least, long most) {
        long newLow = Math.max(low, least);
        long newHigh = Math.min(high, most);
        return newLow > newHigh ? this : new Value(kind, newLow, newHigh, marks, parameters, slot);
    }

    /** Either of two values that meet. Null, for a variable that one side does not have, wins. */
    static Value join(Value a, Value b) {
        if (a == null || b == null || a.kind != b.kind) {
            return null;
        }
        if (a.equals(b)) {
            return a;
        }
        int marks = (a.marks | b.marks) & ~SCALAR | a.marks & b.marks & SCALAR;
        return new Value(a.kind, Math.min(a.low, b.low), Math.max(a.high, b.high), marks, a.parameters | b.parameters,
                a.slot == b.slot ? a.slot : -1);
    }

    /** A bound that still moves after several turns moves as far as it can, with a stop at zero. */
    static Value widen(Value before, Value after) {
        if (before == null || after == null || !after.whole()) {
            return after;
        }
        long least = after.kind == 'I' ? Integer.MIN_VALUE : Long.MIN_VALUE;
        long most = after.kind == 'I' ? Integer.MAX_VALUE : Long.MAX_VALUE;
        long low = after.low >= before.low ? after.low : after.low >= 0 ? 0 : least;
        long high = after.high <= before.high ? after.high : most;
        return new Value(after.kind, low, high, after.marks & ~SCALAR, after.parameters, after.slot);
    }
}
