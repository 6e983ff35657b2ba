package squall.text.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;

/** The filters {@code int}, {@code float} and {@code round}. */
final class Conversions {
    private Conversions() {
    }

    static Object integer(Object value, Arguments arguments) {
        Object[] options = arguments.bind("int", 0, "default", "base");
        Object otherwise = Arguments.or(options[0], 0L);
        int base = Numbers.small(Arguments.or(options[1], 10L), "the base of int");
        if (value instanceof Undefined undefined) {
            throw undefined.error();
        }
        if (Numbers.isInteger(value)) {
            return Numbers.narrow(Numbers.big(value));
        }
        if (value instanceof Double real) {
            return Double.isNaN(real) || Double.isInfinite(real) ? notFinite(real, otherwise) : truncate(real);
        }
        String text = Types.text(value);
        if (text == null) {
            return otherwise;
        }
        BigInteger parsed = parse(Blanks.strip(text), base);
        if (parsed != null) {
            return Numbers.narrow(parsed);
        }
        Double real = real(text);
        return real == null || real.isNaN() || real.isInfinite() ? otherwise : truncate(real);
    }

    private static Object notFinite(Double real, Object otherwise) {
        if (real.isInfinite()) {
            throw new TemplateException("infinity cannot be made an integer");
        }
        return otherwise;
    }

    static Object truncate(double real) {
        if (Double.isNaN(real) || Double.isInfinite(real)) {
            throw new TemplateException("a float that is not finite cannot be made an integer");
        }
        return Numbers.narrow(new BigDecimal(real).toBigInteger());
    }

    /** An integer as Python reads it (sign, base prefix, single underscores), or null. */
    private static BigInteger parse(String text, int base) {
        if (base != 0 && (base < 2 || base > 36)) {
            throw new TemplateException("int: the base must be 0 or from 2 to 36, found " + base);
        }
        boolean negative = text.startsWith("-");
        String digits = negative || text.startsWith("+") ? text.substring(1) : text;
        int radix = base;
        int prefix = digits.length() > 2 && digits.charAt(0) == '0' ? switch (digits.charAt(1)) {
            case 'x', 'X' -> 16;
            case 'o', 'O' -> 8;
            case 'b', 'B' -> 2;
            default -> 0;
        } : 0;
        if (prefix != 0 && (base == 0 || base == prefix)) {
            radix = prefix;
            digits = digits.substring(digits.charAt(2) == '_' ? 3 : 2);
        } else if (base == 0) {
            radix = 10;
            if (digits.length() > 1 && digits.startsWith("0") && !digits.replaceAll("[0_]", "").isEmpty()) {
                return null;
            }
        }
        boolean misplaced = digits.startsWith("_") || digits.endsWith("_") || digits.contains("__");
        if (digits.isEmpty() || digits.length() > Numbers.MAX_DIGITS || misplaced) {
            return null;
        }
        for (int i = 0; i < digits.length(); i++) {
            if (digits.charAt(i) != '_' && Character.digit(digits.charAt(i), radix) < 0) {
                return null;
            }
        }
        BigInteger value = new BigInteger(digits.replace("_", ""), radix);
        return negative ? value.negate() : value;
    }

    static Object real(Object value, Arguments arguments) {
        Object otherwise = Arguments.or(arguments.bind("float", 0, "default")[0], 0.0);
        if (value instanceof Undefined undefined) {
            throw undefined.error();
        }
        if (Numbers.is(value)) {
            return Numbers.real(value);
        }
        String text = Types.text(value);
        Double real = text == null ? null : real(text);
        return real == null ? otherwise : real;
    }

    /** A float as Python reads it, or null. Java's own reading takes more: suffixes and hexadecimal. */
    private static Double real(String text) {
        String digits = Blanks.strip(text);
        String lower = digits.toLowerCase(java.util.Locale.ROOT);
        String unsigned = lower.startsWith("-") || lower.startsWith("+") ? lower.substring(1) : lower;
        double sign = lower.startsWith("-") ? -1 : 1;
        switch (unsigned) {
            case "inf", "infinity" -> {
                return sign * Double.POSITIVE_INFINITY;
            }
            case "nan" -> {
                return Double.NaN;
            }
            default -> { }
        }
        for (int i = 0; i < unsigned.length(); i++) {
            char c = unsigned.charAt(i);
            boolean digit = c >= '0' && c <= '9';
            boolean between = c == '_' && i > 0 && i + 1 < unsigned.length()
                && Character.isDigit(unsigned.charAt(i - 1)) && Character.isDigit(unsigned.charAt(i + 1));
            if (!digit && !between && ".e+-".indexOf(c) < 0) {
                return null;
            }
        }
        try {
            return sign * Double.parseDouble(unsigned.startsWith("+") || unsigned.startsWith("-") ? "" : unsigned.replace("_", ""));
        } catch (NumberFormatException noNumber) {
            return null;
        }
    }

    static Object round(Object value, Arguments arguments) {
        Object[] options = arguments.bind("round", 0, "precision", "method");
        int precision = Numbers.small(Arguments.or(options[0], 0L), "a precision");
        String method = Types.text(Arguments.or(options[1], "common"));
        if (value instanceof Undefined undefined) {
            throw undefined.error();
        }
        if (!Numbers.is(value)) {
            throw new TemplateException("round needs a number, found " + Types.name(value));
        }
        if ("common".equals(method)) {
            return value instanceof Double real ? (Object) Numbers.round(real, precision) : integerRounded(Numbers.big(value), precision);
        }
        if (!"ceil".equals(method) && !"floor".equals(method)) {
            throw new TemplateException("round: the method must be common, ceil or floor");
        }
        if (precision < 0 || precision > 300) {
            throw new TemplateException("round: ceil and floor support a precision from 0 to 300");
        }
        double scale = Numbers.real(Numbers.power(10L, (long) precision));
        double scaled = Numbers.real(value) * scale;
        return (method.equals("ceil") ? Math.ceil(scaled) : Math.floor(scaled)) / scale;
    }

    private static Object integerRounded(BigInteger value, int precision) {
        if (precision >= 0) {
            return Numbers.narrow(value);
        }
        if (precision < -Numbers.MAX_DIGITS) {
            return 0L;
        }
        return Numbers.narrow(new BigDecimal(value).setScale(precision, java.math.RoundingMode.HALF_EVEN).toBigInteger());
    }
}
